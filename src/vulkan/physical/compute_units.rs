//! The number of compute units of a device. Core Vulkan does not report it, but three vendors have extensions that do.

use super::features::Available;
use ash::vk;

/// The property structs of the vendors' extensions.
#[derive(Default)]
pub(super) struct ComputeUnits {
    amd: vk::PhysicalDeviceShaderCorePropertiesAMD<'static>,
    amd_2: vk::PhysicalDeviceShaderCoreProperties2AMD<'static>,
    nvidia: vk::PhysicalDeviceShaderSMBuiltinsPropertiesNV<'static>,
    arm: vk::PhysicalDeviceShaderCoreBuiltinsPropertiesARM<'static>,
}

impl ComputeUnits {
    /// Links the structs whose extensions the device lists, to be filled in by the driver.
    pub(super) fn link<'a>(
        &'a mut self,
        available: &Available<'_>,
        mut head: vk::PhysicalDeviceProperties2<'a>,
    ) -> vk::PhysicalDeviceProperties2<'a> {
        if available.has(vk::AMD_SHADER_CORE_PROPERTIES_NAME) {
            head = head.push_next(&mut self.amd);
        }
        if available.has(vk::AMD_SHADER_CORE_PROPERTIES2_NAME) {
            head = head.push_next(&mut self.amd_2);
        }
        if available.has(vk::NV_SHADER_SM_BUILTINS_NAME) {
            head = head.push_next(&mut self.nvidia);
        }
        if available.has(vk::ARM_SHADER_CORE_BUILTINS_NAME) {
            head = head.push_next(&mut self.arm);
        }
        head
    }

    /// The number of compute units: AMD's compute units, NVIDIA's streaming multiprocessors, Arm's shader cores. 0 if the driver does
    /// not tell it.
    pub(super) fn count(&self) -> u32 {
        // AMD's first extension counts the units of the chip. The second one is newer and counts the active units.
        let amd = &self.amd;
        let on_chip = amd.shader_engine_count.saturating_mul(amd.shader_arrays_per_engine_count);
        let on_chip = on_chip.saturating_mul(amd.compute_units_per_shader_array);
        let counts = [self.amd_2.active_compute_unit_count, on_chip, self.nvidia.shader_sm_count, self.arm.shader_core_count];
        counts.into_iter().find(|&count| count > 0).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_vendor_counts_in_its_own_way() {
        assert_eq!(ComputeUnits::default().count(), 0);
        let mut amd = ComputeUnits::default();
        amd.amd.shader_engine_count = 4;
        amd.amd.shader_arrays_per_engine_count = 2;
        amd.amd.compute_units_per_shader_array = 10;
        assert_eq!(amd.count(), 80);
        amd.amd_2.active_compute_unit_count = 72;
        assert_eq!(amd.count(), 72);
        let mut nvidia = ComputeUnits::default();
        nvidia.nvidia.shader_sm_count = 132;
        assert_eq!(nvidia.count(), 132);
        let mut arm = ComputeUnits::default();
        arm.arm.shader_core_count = 10;
        assert_eq!(arm.count(), 10);
    }

    #[test]
    fn only_listed_structs_are_linked() {
        let linked = |names: &[&std::ffi::CStr]| {
            let extensions: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
            let mut units = ComputeUnits::default();
            let head = units.link(&Available { minor: 1, extensions: &extensions }, vk::PhysicalDeviceProperties2::default());
            let mut found = Vec::new();
            let mut next = head.p_next.cast::<vk::BaseOutStructure<'_>>();
            // SAFETY: the chain has the structs of `units` alone, which is alive, each of which starts as a base structure does.
            while let Some(one) = unsafe { next.as_ref() } {
                found.push(one.s_type);
                next = one.p_next;
            }
            found
        };
        assert_eq!(linked(&[]), []);
        assert_eq!(linked(&[vk::NV_SHADER_SM_BUILTINS_NAME]), [vk::StructureType::PHYSICAL_DEVICE_SHADER_SM_BUILTINS_PROPERTIES_NV]);
        let amd = [vk::AMD_SHADER_CORE_PROPERTIES_NAME, vk::AMD_SHADER_CORE_PROPERTIES2_NAME];
        assert_eq!(linked(&amd).len(), 2);
        assert_eq!(linked(&[vk::ARM_SHADER_CORE_BUILTINS_NAME]).len(), 1);
    }
}
