//! The system's GLSL compiler, libshaderc: opened at run time where it is installed, once, and never closed. A C library of other
//! people's: what it is given must be of bounded size and shape, which `compile::glsl` sees to.

use libloading::Library;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::OnceLock;

/// What the environment calls the library's file; "none" if it is not to be looked for.
const VARIABLE: &str = "AVX_GPU_SHADERC";

/// The names that systems have for the library.
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

/// Numbers of shaderc.h.
const COMPUTE: c_int = 2;
const TARGET_VULKAN: c_int = 0;
const SUCCESS: c_int = 0;
const NO_OPTIMIZATION: c_int = 0;

/// What shaderc.h calls shaderc_compiler_t, shaderc_compile_options_t and shaderc_compilation_result_t.
type Pointer = *mut c_void;
type Compile = unsafe extern "C" fn(Pointer, *const c_char, usize, c_int, *const c_char, *const c_char, Pointer) -> Pointer;

/// The library, opened.
pub(crate) struct Shaderc {
    /// What it was opened as.
    name: String,
    /// The same with its file's size and time.
    identity: String,
    /// The newest SPIR-V that it writes.
    newest: (u8, u8),
    /// Made when the library was opened, and never released: with the last compiler, the tables that all compilers share would go.
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

/// The file that a function came from, with its size and the time of its last change; "" where the system does not tell.
fn file_of(function: *const Pointer) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        // SAFETY: a struct of pointers, for which zero is valid.
        let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
        // SAFETY: any address may be asked for; `info` is writable.
        if unsafe { libc::dladdr(function.cast(), &mut info) } != 0 && !info.dli_fname.is_null() {
            // SAFETY: a NUL-terminated path that the system's loader keeps as long as the library, which is never closed.
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
    /// The system's library, opened at the first call; or why there is none.
    pub(crate) fn get() -> Result<&'static Shaderc, &'static str> {
        static SHADERC: OnceLock<Result<Shaderc, String>> = OnceLock::new();
        SHADERC.get_or_init(Shaderc::find).as_ref().map_err(String::as_str)
    }

    /// Looks for the library.
    fn find() -> Result<Shaderc, String> {
        let chosen = std::env::var(VARIABLE).ok();
        let names = match chosen.as_deref() {
            Some("none") => return Err(format!("{VARIABLE}=none forbids to look for it")),
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
        // A library that is there and cannot be used says more than those that are not there.
        let there = trouble.iter().position(|why| !why.contains("No such file"));
        Err(trouble.swap_remove(there.unwrap_or(0)))
    }

    /// Opens the library by a name or path.
    fn open(name: &str) -> Result<Shaderc, String> {
        let library = load(name).map_err(|error| error.to_string())?;
        // The library leaves thread-local data and destructors behind that unloading would break.
        let library: &'static Library = Box::leak(Box::new(library));
        macro_rules! function {
            ($symbol:literal) => {
                // SAFETY: the type that the field gives is the one that shaderc.h declares.
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
        // SAFETY: it takes nothing.
        shaderc.compiler = unsafe { initialize() };
        if shaderc.compiler.is_null() {
            return Err(format!("{name}: it makes no compiler"));
        }
        Ok(shaderc)
    }

    /// Tells this build of the library from others: what its compilers made is kept under it.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    /// What the library was opened as.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Compiles a compute kernel to SPIR-V bytes for the Vulkan version that takes SPIR-V `version`, called "glsl" in what is said of it.
    /// Not optimized: the library's optimizer drops all names and inlines without bound, and drivers optimize by themselves. The error is
    /// the compiler's log. Not for the text of strangers as it is: see the top of this file.
    pub(crate) fn compile(&self, text: &str, version: (u8, u8)) -> Result<Vec<u8>, String> {
        self.run(self.into_spv, text, version)
    }

    /// What the library's preprocessor makes of a text; `None` if it refuses it.
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

/// Opens a library with all of its symbols: one that lacks some fails here, and not at a call.
#[cfg(unix)]
fn load(name: &str) -> Result<Library, libloading::Error> {
    use libloading::os::unix;
    // SAFETY: what runs when the library is opened is the system's compiler's own, which expects to be opened by programs.
    unsafe { unix::Library::open(Some(name), unix::RTLD_NOW | unix::RTLD_LOCAL) }.map(Library::from)
}

/// Opens a library.
#[cfg(not(unix))]
fn load(name: &str) -> Result<Library, libloading::Error> {
    // SAFETY: what runs when the library is opened is the system's compiler's own, which expects to be opened by programs.
    unsafe { Library::new(name) }
}
