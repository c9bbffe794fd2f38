//! The version and extensions of a device, and the sources of features.

use std::ffi::{CStr, CString};

/// The version and extensions of a device. They decide which structs it may be queried with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Available<'a> {
    /// The minor number of the Vulkan 1.x version that instance and device have in common.
    pub(crate) minor: u32,
    /// The names of the device's extensions.
    pub(crate) extensions: &'a [CString],
}

impl Available<'_> {
    /// Whether the device lists the extension.
    pub(crate) fn has(&self, extension: &CStr) -> bool {
        self.extensions.iter().any(|name| name.as_c_str() == extension)
    }

    /// Whether the device has Vulkan 1.`minor`, where the feature is core, or lists the extension.
    pub(crate) fn core_or(&self, minor: u32, extension: &CStr) -> bool {
        self.minor >= minor || self.has(extension)
    }
}

/// The source of a feature.
#[derive(Clone, Copy, Debug)]
pub(super) struct FeatureSource {
    /// The feature is core from Vulkan 1.`core` on; u32::MAX: never.
    pub(crate) core: u32,
    /// The extension that provides it before.
    pub(crate) extension: &'static CStr,
    /// The extension is only used from Vulkan 1.`since` on, because it depends on that version.
    pub(crate) since: u32,
}

impl FeatureSource {
    /// A feature that is core from Vulkan 1.`core` on, and comes from the extension before.
    pub(crate) const fn core_or(core: u32, extension: &'static CStr) -> FeatureSource {
        FeatureSource { core, extension, since: 1 }
    }

    /// A feature that only the extension provides.
    pub(crate) const fn extension(extension: &'static CStr) -> FeatureSource {
        FeatureSource { core: u32::MAX, extension, since: 1 }
    }

    /// The same source, but the extension is not used before Vulkan 1.`since`.
    pub(crate) const fn since(self, since: u32) -> FeatureSource {
        FeatureSource { since, ..self }
    }

    /// Whether the device has the feature, by its version or by the extension.
    pub(crate) fn is_available(self, available: &Available<'_>) -> bool {
        available.minor >= self.core || self.by_extension(available)
    }

    /// Whether the feature comes from the extension, which then must be enabled.
    pub(crate) fn by_extension(self, available: &Available<'_>) -> bool {
        available.minor < self.core && available.minor >= self.since && available.has(self.extension)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_or_extension_or_neither() {
        let listed = [c"VK_KHR_x".to_owned()];
        let at = |minor| Available { minor, extensions: &listed };
        let source = FeatureSource::core_or(3, c"VK_KHR_x").since(2);
        assert_eq!([1, 2, 3].map(|minor| source.is_available(&at(minor))), [false, true, true]);
        assert_eq!([1, 2, 3].map(|minor| source.by_extension(&at(minor))), [false, true, false]);
        let other = FeatureSource::extension(c"VK_KHR_y");
        assert!(!other.is_available(&at(4)));
        assert!(at(1).has(c"VK_KHR_x") && !at(1).has(c"VK_KHR_"));
    }
}
