//! libshaderc, the system's GLSL compiler. It is opened once at run time, where it is installed, and never closed.
//!
//! It is a C library that this project does not control. Texts that it compiles must be of bounded size and shape; `compile::glsl` checks
//! that before.

use libloading::Library;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;

/// The environment variable that names the library's file; "none" means that the library is not looked for.
const VARIABLE: &str = "AVX_GPU_SHADERC";

/// The names that the library's file has on different systems.
#[cfg(target_os = "macos")]
const NAMES: [&str; 5] = [
    "libshaderc_shared.1.dylib",
    "libshaderc_shared.dylib",
    "/opt/homebrew/lib/libshaderc_shared.dylib",
    "/usr/local/lib/libshaderc_shared.dylib",
    "libshaderc.dylib",
];
#[cfg(windows)]
const NAMES: [&str; 1] = ["shaderc_shared.dll"];
#[cfg(not(any(target_os = "macos", windows)))]
const NAMES: [&str; 4] = ["libshaderc.so.1", "libshaderc_shared.so.1", "libshaderc_shared.so", "libshaderc.so"];

/// Constants of shaderc.h.
const COMPUTE: c_int = 2;
const TARGET_VULKAN: c_int = 0;
const SUCCESS: c_int = 0;
const NO_OPTIMIZATION: c_int = 0;

/// Stands for shaderc_compiler_t, shaderc_compile_options_t and shaderc_compilation_result_t of shaderc.h.
type Pointer = *mut c_void;
type Compile = unsafe extern "C" fn(Pointer, *const c_char, usize, c_int, *const c_char, *const c_char, Pointer) -> Pointer;

/// The opened library.
pub(crate) struct Shaderc {
    /// The name or path that it was opened by.
    name: String,
    /// The name with the path, size and time of the file.
    identity: String,
    /// The newest SPIR-V that it writes.
    newest: (u8, u8),
    /// Created when the library was opened and never released, because the library frees its shared tables with the last compiler.
    compiler: Pointer,
    options_initialize: unsafe extern "C" fn() -> Pointer,
    options_release: unsafe extern "C" fn(Pointer),
    set_target_env: unsafe extern "C" fn(Pointer, c_int, u32),
    set_optimization_level: unsafe extern "C" fn(Pointer, c_int),
    into_spv: Compile,
    into_text: Compile,
    result_release: unsafe extern "C" fn(Pointer),
    result_length: unsafe extern "C" fn(Pointer) -> usize,
    result_bytes: unsafe extern "C" fn(Pointer) -> *const c_char,
    result_status: unsafe extern "C" fn(Pointer) -> c_int,
    result_message: unsafe extern "C" fn(Pointer) -> *const c_char,
}

// SAFETY: the functions are thread-safe by shaderc.h, and a compiler may be used by several threads at a time.
unsafe impl Send for Shaderc {}
// SAFETY: as above.
unsafe impl Sync for Shaderc {}

/// The file that contains a function, with its size and the time of its last change; "" where the system does not tell it.
fn file_of(function: *const Pointer) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        // SAFETY: the struct consists of pointers, for which zero is valid.
        let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
        // SAFETY: dladdr accepts any address; `info` is writable.
        if unsafe { libc::dladdr(function.cast(), &mut info) } != 0 && !info.dli_fname.is_null() {
            // SAFETY: dli_fname is a NUL-terminated path that the loader keeps as long as the library, which is never closed.
            let path = std::ffi::OsStr::from_bytes(unsafe { std::ffi::CStr::from_ptr(info.dli_fname) }.to_bytes());
            if let Ok(metadata) = std::fs::metadata(path) {
                let changed = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
                return format!("{} {} {:?}", path.display(), metadata.len(), changed.unwrap_or_default());
            }
        }
    }
    let _ = function;
    String::new()
}

impl Shaderc {
    /// The system's library, which the first call opens, or the reason why there is none.
    pub(crate) fn get() -> Result<&'static Shaderc, &'static str> {
        static SHADERC: OnceLock<Result<Shaderc, String>> = OnceLock::new();
        SHADERC.get_or_init(Shaderc::find).as_ref().map_err(String::as_str)
    }

    /// Looks for the library.
    fn find() -> Result<Shaderc, String> {
        let chosen = super::environment::variable(VARIABLE).and_then(|value| value.into_string().ok());
        let names = match chosen.as_deref() {
            Some("none") => return Err(format!("{VARIABLE}=none turns it off")),
            Some(name) if !name.is_empty() => vec![name],
            _ => NAMES.to_vec(),
        };
        let mut trouble = Vec::new();
        for name in names {
            match Shaderc::open(name) {
                Ok(shaderc) => return Ok(shaderc),
                Err(why) => trouble.push(why),
            }
        }
        // The error of a library that exists and cannot be used says more than those of files that do not exist.
        let there = trouble.iter().position(|why| !why.contains("No such file"));
        Err(trouble.swap_remove(there.unwrap_or(0)))
    }

    /// Opens the library by a name or path.
    fn open(name: &str) -> Result<Shaderc, String> {
        let library = load(name).map_err(|error| error.to_string())?;
        // The library is never unloaded: it has thread-local data and destructors that would then point into nothing.
        let library: &'static Library = Box::leak(Box::new(library));
        macro_rules! function {
            ($symbol:literal) => {
                // SAFETY: the field has the type that shaderc.h declares for the function.
                *unsafe { library.get(concat!($symbol, "\0").as_bytes()) }.map_err(|error| format!("{name}: {error}"))?
            };
        }
        let initialize: unsafe extern "C" fn() -> Pointer = function!("shaderc_compiler_initialize");
        let spv_version: unsafe extern "C" fn(*mut u32, *mut u32) = function!("shaderc_get_spv_version");
        let mut shaderc = Shaderc {
            name: name.to_owned(),
            identity: format!("{name} {}", file_of(initialize as *const Pointer)),
            newest: (1, 0),
            compiler: std::ptr::null_mut(),
            options_initialize: function!("shaderc_compile_options_initialize"),
            options_release: function!("shaderc_compile_options_release"),
            set_target_env: function!("shaderc_compile_options_set_target_env"),
            set_optimization_level: function!("shaderc_compile_options_set_optimization_level"),
            into_spv: function!("shaderc_compile_into_spv"),
            into_text: function!("shaderc_compile_into_preprocessed_text"),
            result_release: function!("shaderc_result_release"),
            result_length: function!("shaderc_result_get_length"),
            result_bytes: function!("shaderc_result_get_bytes"),
            result_status: function!("shaderc_result_get_compilation_status"),
            result_message: function!("shaderc_result_get_error_message"),
        };
        let (mut version, mut revision) = (0, 0);
        // SAFETY: both pointers are to locals of the right type.
        unsafe { spv_version(&mut version, &mut revision) };
        shaderc.newest = ((version >> 16) as u8, (version >> 8) as u8);
        // SAFETY: the function takes no arguments.
        shaderc.compiler = unsafe { initialize() };
        if shaderc.compiler.is_null() {
            return Err(format!("{name}: it creates no compiler"));
        }
        Ok(shaderc)
    }

    /// Identifies this build of the library. Compiled code is cached under it.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    /// The name or path that the library was opened by.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Compiles a compute kernel to SPIR-V bytes for the Vulkan version that accepts SPIR-V `version`. The compiler's messages call the
    /// text "glsl". The error is the compiler's log.
    ///
    /// The code is not optimized: the library's optimizer drops all names and inlines without bound, and drivers optimize anyway.
    ///
    /// Untrusted text must be checked first: see the top of this file.
    pub(crate) fn compile(&self, text: &str, version: (u8, u8)) -> Result<Vec<u8>, String> {
        self.run(self.into_spv, text, version)
    }

    /// The text after the library's preprocessor; `None` if the preprocessor rejects it.
    pub(crate) fn preprocess(&self, text: &str, version: (u8, u8)) -> Option<String> {
        let bytes = self.run(self.into_text, text, version).ok()?;
        String::from_utf8(bytes).ok()
    }

    fn run(&self, compile: Compile, text: &str, version: (u8, u8)) -> Result<Vec<u8>, String> {
        let minor = match version.min(self.newest) {
            (1, 0..=4) => 1,
            (1, 5) => 2,
            _ => 3,
        };
        let environment = (1 << 22) | (minor << 12);
        // SAFETY: the functions are used as shaderc.h says: text with its length, names with a NUL; the options are released after the
        // result was made, which does not use them; a result that is not NULL has `length` bytes and a message with a NUL until it is
        // released.
        unsafe {
            let options = (self.options_initialize)();
            if options.is_null() {
                return Err("glsl: error: no memory for the compiler's options".to_owned());
            }
            (self.set_target_env)(options, TARGET_VULKAN, environment);
            (self.set_optimization_level)(options, NO_OPTIMIZATION);
            let (name, main) = (c"glsl".as_ptr(), c"main".as_ptr());
            let result = compile(self.compiler, text.as_ptr().cast(), text.len(), COMPUTE, name, main, options);
            (self.options_release)(options);
            if result.is_null() {
                return Err("glsl: error: the compiler gave no result".to_owned());
            }
            let outcome = if (self.result_status)(result) == SUCCESS {
                let (bytes, length) = ((self.result_bytes)(result), (self.result_length)(result));
                Ok(if bytes.is_null() { Vec::new() } else { std::slice::from_raw_parts(bytes.cast::<u8>(), length).to_vec() })
            } else {
                let message = (self.result_message)(result);
                Err(if message.is_null() { String::new() } else { CStr::from_ptr(message).to_string_lossy().into_owned() })
            };
            (self.result_release)(result);
            outcome
        }
    }
}

/// Opens a library and resolves all of its symbols, so that a library that lacks some fails here and not at a call.
#[cfg(unix)]
fn load(name: &str) -> Result<Library, libloading::Error> {
    use libloading::os::unix;
    // SAFETY: opening the library runs its initializers, and libshaderc is made to be opened by programs.
    unsafe { unix::Library::open(Some(name), unix::RTLD_NOW | unix::RTLD_LOCAL) }.map(Library::from)
}

/// Opens a library.
#[cfg(not(unix))]
fn load(name: &str) -> Result<Library, libloading::Error> {
    // SAFETY: opening the library runs its initializers, and libshaderc is made to be opened by programs.
    unsafe { Library::new(name) }
}
