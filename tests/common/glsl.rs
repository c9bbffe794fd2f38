//! Kernels from GLSL, with whichever compiler is installed.

use super::process::{is_child, rerun};
use super::*;

/// The environment variable that names the file of libshaderc.
pub(crate) const VARIABLE: &str = "AVX_GPU_SHADERC";

/// A kernel to create.
#[derive(Default)]
pub(crate) struct Text<'a> {
    pub(crate) code: &'a [u8],
    pub(crate) label: Option<&'a str>,
    pub(crate) folders: &'a [&'a str],
    pub(crate) defines: &'a [&'a str],
    pub(crate) entry: Option<&'a str>,
    pub(crate) constants: &'a [avx_constant],
}

impl Text<'_> {
    /// Creates the kernel. On failure returns the status and the error message.
    pub(crate) fn make(&self, device: &Device) -> Result<avx_kernel, (avx_status, String)> {
        self.make_on(device.handle)
    }

    /// Creates the kernel from the device's handle alone, which any thread may use.
    pub(crate) fn make_on(&self, device: avx_device) -> Result<avx_kernel, (avx_status, String)> {
        let list = |texts: &[&str]| texts.iter().map(|text| c(text)).collect::<Vec<CString>>();
        let (folders, defines) = (list(self.folders), list(self.defines));
        let pointers = |list: &[CString]| list.iter().map(|text| text.as_ptr()).collect::<Vec<_>>();
        let (folder_list, define_list) = (pointers(&folders), pointers(&defines));
        let (label, entry) = (self.label.map(c), self.entry.map(c));
        let pointer = |text: &Option<CString>| text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr());
        let options = avx_kernel_options {
            language: AVX_LANGUAGE_GLSL,
            code: self.code.as_ptr().cast(),
            code_size: self.code.len() as u64,
            label: pointer(&label),
            entry_point: pointer(&entry),
            include_dirs: folder_list.as_ptr(),
            include_dir_count: u32::try_from(folders.len()).expect("few"),
            defines: define_list.as_ptr(),
            define_count: u32::try_from(defines.len()).expect("few"),
            constants: self.constants.as_ptr(),
            constant_count: u32::try_from(self.constants.len()).expect("few"),
            ..avx_kernel_options::zeroed()
        };
        let mut kernel = null_mut();
        match abi::kernel_create(device, &options, &mut kernel) {
            AVX_OK => Ok(kernel),
            status => Err((status, last_error())),
        }
    }

    /// Creates the kernel and expects success.
    #[track_caller]
    pub(crate) fn kernel(&self, device: &Device) -> avx_kernel {
        self.make(device).unwrap_or_else(|(status, message)| panic!("{}: {message}\n{}", name(status), String::from_utf8_lossy(self.code)))
    }

    /// Expects that creation fails with this status, and that the error message contains these texts. Returns the error message.
    #[track_caller]
    pub(crate) fn refused(&self, device: &Device, status: avx_status, words: &[&str]) -> String {
        let (got, message) = self.make(device).expect_err("it is not refused");
        assert!(got == status, "wanted {}, got {}: {message}", name(status), name(got));
        tells(&message, words);
        message
    }
}

/// A kernel from a text, without options.
pub(crate) fn text(code: &str) -> Text<'_> {
    Text { code: code.as_bytes(), ..Text::default() }
}

/// Runs the test in one process that looks for libshaderc and in one that does not. Returns `true` in the process that has it.
pub(crate) fn by_both(name: &str, test: impl FnOnce(&Device, bool)) {
    if !is_child() {
        rerun(name, &[(VARIABLE, Some("none"))]);
        let given = std::env::var(VARIABLE).ok();
        rerun(name, &[(VARIABLE, given.as_deref())]);
        return;
    }
    let Some(device) = Device::open() else { return };
    let full = has_shaderc(&device);
    if std::env::var(VARIABLE).as_deref() == Ok("none") {
        assert!(!full, "{VARIABLE}=none is not obeyed");
    } else if !full {
        assert!(std::env::var_os("CI").is_none(), "libshaderc is missing, but a run with CI=true requires it");
        return skip("libshaderc is not installed");
    }
    test(&device, full);
}

/// Whether libshaderc is the compiler that rejects an invalid text.
pub(crate) fn has_shaderc(device: &Device) -> bool {
    let (_, message) = text("#version 450\nvoid main() { wrong }\n").make(device).expect_err("wrong");
    let full = message.contains("refused by libshaderc (");
    assert!(full != message.contains("refused by naga"), "{message}");
    full
}
