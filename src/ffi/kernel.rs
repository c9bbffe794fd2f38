//! Section "kernel" of the header: compiling and asking what came of it.

use super::boundary::{self, Token as _};
use super::device::avx_device;
use super::sized::{self, Sized32};
use super::status::avx_status;
use crate::runtime::api::kernel::{self, ConstantKey, ConstantSetting, ConstantValue};
use crate::runtime::base::error::{Error, Result, Status, invalid, not_in_this_version};
use crate::runtime::kernel::properties::{BindingKind, KernelArgProperties, KernelProperties, MAX_ARRAYS, Member, Scalar};
use crate::runtime::kernel::subgroups::Subgroups;
use std::ffi::{c_char, c_void};
use std::mem::MaybeUninit;

/// What lies behind an avx_kernel.
pub struct avx_kernel_t;
/// One entry point of a module, compiled for one device, with its interface.
pub type avx_kernel = *mut avx_kernel_t;

/// Languages. WGSL text.
pub const AVX_LANGUAGE_WGSL: u32 = 0;
/// SPIR-V words; they reach the driver untouched.
pub const AVX_LANGUAGE_SPIRV: u32 = 1;
/// GLSL text: a compute shader of version 420 to 460 or 310 es, with the entry point main. All of GLSL where the system has libshaderc,
/// plain GLSL where it has not; what is refused says which. Not bounds-checked in the first case: avx_kernel_info says.
pub const AVX_LANGUAGE_GLSL: u32 = 2;

/// avx_kernel_create: no bounds checks in the code, for WGSL that is trusted. The hardware's, where there are any, stay.
pub const AVX_KERNEL_UNCHECKED: u32 = 1;
/// avx_kernel_create: the kernel reports what it prints, assertions that fail, and (WGSL) indices out of bounds.
///
/// In WGSL `printf("i is %u, v %v3f", i, v);` and `assert(i < n);` or `assert(i < n, "i is %u", i);` are statements. Values are
/// converted to what the specifier says: %d %i %u %x %X %o (with l: 64 bits), %f %F %e %E %g %G (f32), with v2, v3, v4 for vectors,
/// flags, width and precision as in C. Without this flag the statements are checked and leave no trace in the code. In SPIR-V the
/// instruction of NonSemantic.DebugPrintf (GLSL: debugPrintfEXT) prints.
///
/// Each report is one line of the log (see avx_set_log), `kernel 'blur' (3, 0, 0): i is 3` with the global invocation id, delivered by
/// the next call that waits for the dispatch or reads what it wrote, at the latest by avx_destroy; those of one invocation in its
/// order. Where several threads wait at once, one of them may deliver for all. An assertion that failed is also the error
/// AVX_ERROR_ASSERTION of that call. A dispatch has 4 MiB for its reports (AVX_GPU_DEBUG_BYTES in the environment: 256 to 67108864);
/// what finds no room is counted and told. Nothing is moved or stopped: an index out of bounds is kept inside as it always is (with
/// AVX_KERNEL_UNCHECKED it is neither kept nor reported), and a kernel goes on after a failed assertion. The kernel needs one storage
/// buffer more than it shows, and cannot be recorded into a graph (AVX_ERROR_UNSUPPORTED).
pub const AVX_KERNEL_DEBUG: u32 = 2;
/// avx_kernel_create: no subgroup is cut short. The workgroup's first dimension must be a multiple of the subgroup size.
/// AVX_ERROR_UNSUPPORTED where the device cannot promise it.
pub const AVX_KERNEL_FULL_SUBGROUPS: u32 = 4;

/// What keeps a kernel's accesses inside the ranges that are bound: nothing.
pub const AVX_BOUNDS_NONE: u32 = 0;
/// Checks in the code.
pub const AVX_BOUNDS_CHECKED: u32 = 1;
/// The hardware (robustBufferAccess2).
pub const AVX_BOUNDS_HARDWARE: u32 = 2;

/// Kinds of argument that a kernel has: a storage buffer.
pub const AVX_BINDING_STORAGE: u32 = 1;
/// A uniform block, given as bytes or as a buffer.
pub const AVX_BINDING_UNIFORM: u32 = 2;
/// The push-constant (WGSL: immediate) block, given as bytes.
pub const AVX_BINDING_PUSH_CONSTANTS: u32 = 3;

/// The group of the push-constant block, with AVX_ARG_FLAG_AT (binding 0) and in avx_kernel_arg_properties.
pub const AVX_GROUP_PUSH_CONSTANTS: u32 = 0xffffffff;

/// The kernel reads the binding.
pub const AVX_ACCESS_READ: u32 = 1;
/// The kernel writes the binding.
pub const AVX_ACCESS_WRITE: u32 = 2;

/// Kinds of avx_constant: `value`, a number that is converted to the constant's type.
pub const AVX_CONSTANT_NUMBER: u32 = 0;
/// `bits`, the bits of the constant's own type.
pub const AVX_CONSTANT_BITS: u32 = 1;

/// A value for a WGSL override or a SPIR-V specialization constant: 32 bytes, and it will never grow.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct avx_constant {
    /// The constant's name, or NULL to go by id.
    pub name: *const c_char,
    /// The id that the kernel gives it (the number in WGSL's id attribute, in GLSL `constant_id = 7`), if name is NULL.
    pub id: u32,
    /// AVX_CONSTANT_NUMBER or AVX_CONSTANT_BITS.
    pub kind: u32,
    /// AVX_CONSTANT_NUMBER: the value, converted to the constant's type; for booleans all but 0 is true. AVX_ERROR_ARGUMENTS if the type
    /// cannot hold it: a fraction for an integer, a number outside the range. A double is exact for integers up to 2^53. Else 0.
    pub value: f64,
    /// AVX_CONSTANT_BITS: the value's bits, with zeros above the type's width; a boolean is 0 or 1. Else 0.
    pub bits: u64,
}

/// Options of avx_kernel_create. Zero means the default in every field but struct_size; code is needed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct avx_kernel_options {
    /// sizeof(avx_kernel_options)
    pub struct_size: u32,
    /// AVX_LANGUAGE_...
    pub language: u32,
    /// The text or the words. SPIR-V needs no alignment.
    pub code: *const c_void,
    /// Bytes of code. 0: text that ends with NUL.
    pub code_size: u64,
    /// The entry point's name; NULL: the only compute entry point.
    pub entry_point: *const c_char,
    /// The kernel's name in messages; NULL: the entry point's.
    pub label: *const c_char,
    /// Values for constants.
    pub constants: *const avx_constant,
    /// How many.
    pub constant_count: u32,
    /// AVX_KERNEL_...
    pub flags: u32,
    /// Required subgroup size in invocations; 0: the driver's choice. AVX_ERROR_UNSUPPORTED where the device has no such size or cannot
    /// fix it (avx_device_info has subgroup_size_min and _max).
    pub subgroup_size: u32,
    /// Zero.
    pub reserved: u32,
    /// GLSL: folders for include directives. A file is looked for beside the one that includes it, if that is in one of them, then in
    /// each; never outside of them, not even by a symbolic link. Texts are read during the call.
    pub include_dirs: *const *const c_char,
    /// GLSL: macros, "NAME=value", or "NAME", which is 1.
    pub defines: *const *const c_char,
    /// How many folders.
    pub include_dir_count: u32,
    /// How many macros.
    pub define_count: u32,
}

/// avx_kernel_create: bindings of this SPIR-V may share bytes. Not in this version: AVX_ERROR_UNSUPPORTED.
pub const AVX_KERNEL_ALIASED: u32 = 8;

/// What the numbers of a member are. None of the others: the member is told as bytes.
pub const AVX_SCALAR_BYTES: u32 = 0;
/// IEEE 754 floating point, 16, 32 or 64 bits.
pub const AVX_SCALAR_FLOAT: u32 = 1;
/// Signed integers in two's complement.
pub const AVX_SCALAR_INT: u32 = 2;
/// Unsigned integers.
pub const AVX_SCALAR_UINT: u32 = 3;
/// The 16-bit float with the exponent of a 32-bit one (bfloat16).
pub const AVX_SCALAR_BFLOAT: u32 = 4;
/// An address of device memory, 64 bits.
pub const AVX_SCALAR_ADDRESS: u32 = 5;
/// The matrix lies by rows: matrix_stride goes from one row to the next.
pub const AVX_MEMBER_ROW_MAJOR: u32 = 1;

/// A number that is not known.
pub const AVX_UNKNOWN: u32 = 0xffffffff;

/// What a kernel is.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct avx_kernel_properties {
    /// In: sizeof(avx_kernel_properties). Out: the bytes filled.
    pub struct_size: u32,
    /// Arguments that a dispatch takes, in order.
    pub arg_count: u32,
    /// Invocations of a workgroup in each dimension.
    pub workgroup_size: [u32; 3],
    /// AVX_LANGUAGE_...
    pub language: u32,
    /// AVX_BOUNDS_...
    pub bounds: u32,
    /// Bytes of workgroup (shared) memory declared.
    pub shared_memory: u32,
    /// The entry point, cut to fit.
    pub entry_point: [c_char; 128],
    /// Its name in messages, cut to fit.
    pub label: [c_char; 128],
    /// Invocations in a subgroup: what was asked for, or what the driver chose or says is its default.
    pub subgroup_size: u32,
    /// Registers of an invocation; AVX_UNKNOWN where the driver does not tell.
    pub registers: u32,
    /// Bytes of memory for what does not fit an invocation's registers, as the driver counts them (spills, private arrays);
    /// AVX_UNKNOWN where it does not tell.
    pub local_memory: u32,
    /// Zero.
    pub reserved: u32,
    /// All that the driver tells of the machine code, by its own names ("Register Count: 32; Binary Size: 768"), cut to fit; "" where it
    /// tells nothing.
    pub statistics: [c_char; 512],
}

/// What an argument of a kernel is.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct avx_kernel_arg_properties {
    /// In: sizeof(avx_kernel_arg_properties). Out: the bytes filled.
    pub struct_size: u32,
    /// AVX_BINDING_...
    pub kind: u32,
    /// The group (descriptor set); AVX_GROUP_PUSH_CONSTANTS for push constants.
    pub group: u32,
    /// The binding; 0 for push constants.
    pub binding: u32,
    /// AVX_ACCESS_READ | AVX_ACCESS_WRITE.
    pub access: u32,
    /// Alignment in bytes of a bound range's offset; 1 for push constants.
    pub alignment: u32,
    /// Bytes that must at least be bound: the fixed part, and one element of an array without a size.
    pub min_size: u64,
    /// Bytes from one element to the next of the array without a size at its end; 0 if there is none.
    pub stride: u64,
    /// The variable's name, "" if the module has none, cut to fit.
    pub name: [c_char; 128],
}

/// What a member of an argument's block is.
///
/// Element (i, j, ...) of its arrays begins at byte `offset` + i * `array_strides[0]` + j * `array_strides[1]` + ... of the block. In an
/// element, component r of column c begins at c * matrix_stride + r * bits / 8, or at r * matrix_stride + c * bits / 8 with
/// AVX_MEMBER_ROW_MAJOR.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct avx_kernel_member_properties {
    /// In: sizeof(avx_kernel_member_properties). Out: the bytes filled.
    pub struct_size: u32,
    /// AVX_SCALAR_...
    pub scalar: u32,
    /// Bits of one number; 0 for AVX_SCALAR_BYTES.
    pub bits: u32,
    /// Numbers in a vector, or in a column of a matrix; 1 for a scalar.
    pub rows: u32,
    /// Columns of a matrix; 1 for a vector or a scalar.
    pub columns: u32,
    /// Bytes from one column of a matrix to the next (by rows: from one row to the next); 0 if it is no matrix.
    pub matrix_stride: u32,
    /// AVX_MEMBER_ROW_MAJOR.
    pub flags: u32,
    /// Arrays around it, 4 at most: those that it is an element of, and those whose structs it is a member of.
    pub array_count: u32,
    /// Bytes from the start of the block to its first element.
    pub offset: u64,
    /// Bytes of one element, without padding behind it.
    pub size: u64,
    /// Elements of each array, the outermost first; 0 for the one at the end of a storage buffer that is as long as what is bound.
    pub array_lengths: [u64; 4],
    /// Bytes from one element of each array to the next.
    pub array_strides: [u64; 4],
    /// Its name, cut to fit: "scale", for a member of a struct "light.color", for one of an array of structs "lights[].color". ""
    /// where the module has none, as for a WGSL block that is no struct. A WGSL matrix of two rows in a uniform block is told as its columns,
    /// "m_col0", "m_col1" and so on.
    pub name: [c_char; 256],
}

/// Compiles the entry point `entry_point` of a NUL-terminated WGSL module of at most 1 MiB. `entry_point` may be NULL: the only
/// one. Accesses are bounds-checked. Compiled kernels are cached in memory and on disk. May block, as long as the compilers take;
/// several threads compile in parallel. AVX_ERROR_COMPILE with line and column, AVX_ERROR_ENTRY_POINT, AVX_ERROR_UNSUPPORTED naming
/// the feature that the device lacks, AVX_ERROR_LIMIT.
///
/// # Safety
/// `source` and `entry_point` are NULL or NUL-terminated; `kernel` is NULL or writable.
#[unsafe(export_name = "avx_gpu_kernel_from_wgsl")]
pub unsafe extern "C" fn avx_kernel_from_wgsl(
    device: avx_device,
    source: *const c_char,
    entry_point: *const c_char,
    kernel: *mut avx_kernel,
) -> avx_status {
    boundary::call("avx_kernel_from_wgsl", || {
        // SAFETY: `kernel` is NULL or writable, says the caller.
        let out = unsafe { boundary::out(kernel, "kernel") }?;
        // SAFETY: `source` is NULL or NUL-terminated, says the caller.
        let source = unsafe { boundary::text_bytes(source, "source") }?;
        // SAFETY: `entry_point` is NULL or NUL-terminated, says the caller.
        let entry_point = unsafe { boundary::text(entry_point, "entry_point") }?;
        let options = kernel::Options { code: source, entry_point, ..kernel::Options::default() };
        out.set(avx_kernel::from_token(kernel::create(device.token(), &options)?));
        Ok(())
    })
}

/// Compiles WGSL or GLSL or takes SPIR-V, with options. May block, as long as the compilers take; several threads compile in
/// parallel. The errors of avx_kernel_from_wgsl, AVX_ERROR_INVALID_SPIRV, and AVX_ERROR_ARGUMENTS for a constant that is not there
/// (with the nearest name) or a value that it cannot have.
///
/// # Safety
/// `options` is NULL or points to its struct_size bytes with valid pointers; `kernel` is NULL or writable.
#[unsafe(export_name = "avx_gpu_kernel_create")]
pub unsafe extern "C" fn avx_kernel_create(device: avx_device, options: *const avx_kernel_options, kernel: *mut avx_kernel) -> avx_status {
    boundary::call("avx_kernel_create", || {
        // SAFETY: `kernel` is NULL or writable, says the caller.
        let out = unsafe { boundary::out(kernel, "kernel") }?;
        // SAFETY: `options` is NULL or points to its struct_size bytes with valid pointers, says the caller.
        let options = unsafe { kernel_options(options) }?;
        out.set(avx_kernel::from_token(kernel::create(device.token(), &options)?));
        Ok(())
    })
}

/// Frees a kernel. The handle is invalid at once; what is behind it goes when queued work that uses it is done. NULL does nothing.
/// Never waits.
#[unsafe(export_name = "avx_gpu_kernel_free")]
pub extern "C" fn avx_kernel_free(kernel: avx_kernel) -> avx_status {
    boundary::free("avx_kernel_free", || if kernel.is_null() { Ok(()) } else { kernel::free(kernel.token()) })
}

/// What a kernel is.
///
/// # Safety
/// `properties` is NULL or points to the struct_size bytes that it names.
#[unsafe(export_name = "avx_gpu_kernel_info")]
pub unsafe extern "C" fn avx_kernel_info(kernel: avx_kernel, properties: *mut avx_kernel_properties) -> avx_status {
    boundary::call("avx_kernel_info", || {
        // SAFETY: `properties` is NULL or points to its struct_size bytes, says the caller.
        let out = unsafe { sized::output(properties, "properties") }?;
        out.fill(&kernel_properties(&kernel::properties(kernel.token())?));
        Ok(())
    })
}

/// What the argument at `index` (0 to arg_count - 1, the order of positional arguments) is. AVX_ERROR_OUT_OF_RANGE beyond the last.
///
/// # Safety
/// `properties` is NULL or points to the struct_size bytes that it names.
#[unsafe(export_name = "avx_gpu_kernel_arg_info")]
pub unsafe extern "C" fn avx_kernel_arg_info(kernel: avx_kernel, index: u32, properties: *mut avx_kernel_arg_properties) -> avx_status {
    boundary::call("avx_kernel_arg_info", || {
        // SAFETY: `properties` is NULL or points to its struct_size bytes, says the caller.
        let out = unsafe { sized::output(properties, "properties") }?;
        out.fill(&kernel_arg_properties(&kernel::arg_properties(kernel.token(), index)?));
        Ok(())
    })
}

/// What the member at `member` of the block of the argument at `arg` is, for a caller who packs a block from values by name. Members are
/// scalars, vectors and matrices, and arrays of them, in the order of their declaration; structs inside of the block are taken apart.
/// All kinds of arguments have members: uniform and push-constant blocks, and storage buffers. AVX_ERROR_OUT_OF_RANGE beyond the last
/// argument or the last member, so that a loop may ask until then. A block tells 4096 members at most, and AVX_ERROR_LIMIT beyond.
///
/// # Safety
/// `properties` is NULL or points to the struct_size bytes that it names.
#[unsafe(export_name = "avx_gpu_kernel_member_info")]
pub unsafe extern "C" fn avx_kernel_member_info(
    kernel: avx_kernel,
    arg: u32,
    member: u32,
    properties: *mut avx_kernel_member_properties,
) -> avx_status {
    boundary::call("avx_kernel_member_info", || {
        // SAFETY: `properties` is NULL or points to its struct_size bytes, says the caller.
        let out = unsafe { sized::output(properties, "properties") }?;
        out.fill(&member_properties(&kernel::member_properties(kernel.token(), arg, member)?));
        Ok(())
    })
}

/// The SPIR-V that the driver got for the kernel, in the words of this machine. `size` gets its bytes, also when the call fails because
/// `capacity` (the bytes that `buffer` holds) is less: AVX_ERROR_OUT_OF_RANGE, and nothing is copied. A NULL `buffer` with capacity 0
/// only asks for the size. Dispatches whose arguments overlap, and those over more workgroups than the device takes, run variants that
/// are not told. A kernel made with AVX_KERNEL_DEBUG has the code that reports in it.
///
/// # Safety
/// `buffer` holds `capacity` bytes; `size` is NULL or writable.
#[unsafe(export_name = "avx_gpu_kernel_code")]
pub unsafe extern "C" fn avx_kernel_code(kernel: avx_kernel, buffer: *mut c_void, capacity: u64, size: *mut u64) -> avx_status {
    boundary::call("avx_kernel_code", || {
        // SAFETY: `size` is NULL or writable, says the caller.
        let out = unsafe { boundary::out(size, "size") }?;
        // SAFETY: `buffer` holds `capacity` bytes, says the caller.
        let into = unsafe { boundary::bytes_out(buffer, capacity, "buffer") }?;
        let compiled = kernel::code(kernel.token())?;
        let words = compiled.spirv();
        let bytes = size_of_val(words);
        out.set(bytes as u64);
        if buffer.is_null() {
            return Ok(());
        }
        let Some(into) = into.get_mut(..bytes) else {
            let message = format!("capacity is {capacity}; the code has {bytes} bytes");
            return Err(Error::new(Status::OutOfRange, message));
        };
        for (to, word) in into.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *to = word.to_ne_bytes().map(MaybeUninit::new);
        }
        Ok(())
    })
}

/// # Safety
/// `options` is NULL or points to its struct_size bytes; its code holds code_size bytes, or ends with NUL if that is 0; its texts
/// are NUL-terminated, and its constants are as many as it says. All of it outlives the result.
pub(super) unsafe fn kernel_options<'a>(options: *const avx_kernel_options) -> Result<kernel::Options<'a>> {
    // SAFETY: as the caller promises.
    let o = unsafe { sized::input(options, "options") }?;
    let language = match o.language {
        AVX_LANGUAGE_WGSL => kernel::Language::Wgsl,
        AVX_LANGUAGE_SPIRV => kernel::Language::Spirv,
        AVX_LANGUAGE_GLSL => kernel::Language::Glsl,
        other => return Err(invalid(format!("options->language {other} is none of AVX_LANGUAGE_..."))),
    };
    let unknown = o.flags & !(AVX_KERNEL_UNCHECKED | AVX_KERNEL_DEBUG | AVX_KERNEL_FULL_SUBGROUPS | AVX_KERNEL_ALIASED);
    if unknown != 0 {
        return Err(invalid(format!("options->flags has unknown bits {unknown:#x}")));
    }
    if o.flags & AVX_KERNEL_ALIASED != 0 {
        return Err(not_in_this_version("AVX_KERNEL_ALIASED"));
    }
    if o.reserved != 0 {
        return Err(invalid("options->reserved is not zero"));
    }
    if language != kernel::Language::Glsl && (o.include_dir_count != 0 || o.define_count != 0) {
        return Err(invalid("options->include_dirs and options->defines are for AVX_LANGUAGE_GLSL alone"));
    }
    // SAFETY: the code and the texts are as the caller promises.
    let (code, entry_point, label) = unsafe {
        let code = match (language, o.code_size) {
            (kernel::Language::Wgsl | kernel::Language::Glsl, 0) => boundary::text_bytes(o.code.cast(), "options->code")?,
            (_, size) if o.code.is_null() => return Err(invalid(format!("options->code is NULL (code_size {size})"))),
            (_, size) => boundary::bytes(o.code, size, "options->code")?,
        };
        (code, boundary::text(o.entry_point, "options->entry_point")?, boundary::text(o.label, "options->label")?)
    };
    // SAFETY: the constants are as the caller promises.
    let constants = unsafe { constants(o.constants, o.constant_count) }?;
    let unchecked = o.flags & AVX_KERNEL_UNCHECKED != 0;
    let subgroups = Subgroups { size: o.subgroup_size, full: o.flags & AVX_KERNEL_FULL_SUBGROUPS != 0 };
    let debug = o.flags & AVX_KERNEL_DEBUG != 0;
    // SAFETY: the lists hold as many texts as their counts say, says the caller.
    let (include_dirs, defines) = unsafe {
        (texts(o.include_dirs, o.include_dir_count, "options->include_dirs")?, texts(o.defines, o.define_count, "options->defines")?)
    };
    Ok(kernel::Options { language, code, entry_point, label, constants, unchecked, subgroups, debug, include_dirs, defines })
}

/// The most texts in a list.
const MAX_TEXTS: u32 = 1024;

/// More constants than any kernel has.
const MAX_CONSTANTS: u32 = 1 << 16;

/// # Safety
/// `constants` holds `count` constants, their names NUL-terminated, for as long as the result lives.
unsafe fn constants<'a>(constants: *const avx_constant, count: u32) -> Result<Vec<ConstantSetting<'a>>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    if constants.is_null() {
        return Err(invalid(format!("options->constants is NULL and constant_count is {count}")));
    }
    if count > MAX_CONSTANTS {
        return Err(Error::new(Status::Limit, format!("options->constant_count is {count}; a kernel takes {MAX_CONSTANTS} at most")));
    }
    let one = |i: usize| {
        // SAFETY: i is below the count that the caller gave; an avx_constant is valid for any bytes.
        let constant = unsafe { constants.add(i).read_unaligned() };
        let value = match constant.kind {
            AVX_CONSTANT_NUMBER if constant.bits != 0 => {
                return Err(invalid(format!("options->constants[{i}]: bits is not zero, and kind is AVX_CONSTANT_NUMBER")));
            }
            AVX_CONSTANT_NUMBER => ConstantValue::Number(constant.value),
            AVX_CONSTANT_BITS if constant.value != 0.0 => {
                return Err(invalid(format!("options->constants[{i}]: value is not zero, and kind is AVX_CONSTANT_BITS")));
            }
            AVX_CONSTANT_BITS => ConstantValue::Bits(constant.bits),
            kind => return Err(invalid(format!("options->constants[{i}]: kind {kind} is none of AVX_CONSTANT_..."))),
        };
        // SAFETY: the name is NULL or NUL-terminated, says the caller.
        let name = unsafe { boundary::text(constant.name, "options->constants[].name") }?;
        let key = name.map_or(ConstantKey::Id(constant.id), ConstantKey::Name);
        Ok(ConstantSetting { constant: key, value })
    };
    (0..count as usize).map(one).collect()
}

/// A list of texts, called `name` in the header.
///
/// # Safety
/// `list` holds `count` pointers that are NULL or NUL-terminated.
unsafe fn texts<'a>(list: *const *const c_char, count: u32, name: &str) -> Result<Vec<&'a str>> {
    if count > MAX_TEXTS {
        return Err(invalid(format!("{name} has {count} texts; {MAX_TEXTS} are the most that are taken")));
    }
    if count > 0 && list.is_null() {
        return Err(invalid(format!("{name} is NULL and its count is {count}")));
    }
    let mut found = Vec::with_capacity(count as usize);
    for i in 0..count as usize {
        // SAFETY: i is below the count that the caller gave.
        let pointer = unsafe { list.add(i).read_unaligned() };
        let name = format!("{name}[{i}]");
        // SAFETY: NULL or NUL-terminated, says the caller.
        let text = unsafe { boundary::text(pointer, &name) }?;
        found.push(text.ok_or_else(|| invalid(format!("{name} is NULL")))?);
    }
    Ok(found)
}

pub(super) fn binding_kind(kind: BindingKind) -> u32 {
    match kind {
        BindingKind::Storage => AVX_BINDING_STORAGE,
        BindingKind::Uniform => AVX_BINDING_UNIFORM,
        BindingKind::PushConstants => AVX_BINDING_PUSH_CONSTANTS,
    }
}

fn kernel_properties(p: &KernelProperties) -> avx_kernel_properties {
    avx_kernel_properties {
        struct_size: size_of::<avx_kernel_properties>() as u32,
        arg_count: p.arg_count,
        workgroup_size: p.workgroup_size,
        language: match p.language {
            kernel::Language::Wgsl => AVX_LANGUAGE_WGSL,
            kernel::Language::Spirv => AVX_LANGUAGE_SPIRV,
            kernel::Language::Glsl => AVX_LANGUAGE_GLSL,
        },
        bounds: p.bounds as u32,
        shared_memory: p.shared_memory,
        entry_point: sized::chars(&p.entry_point),
        label: sized::chars(&p.label),
        subgroup_size: p.subgroup_size,
        registers: p.registers().unwrap_or(AVX_UNKNOWN),
        local_memory: p.local_memory().unwrap_or(AVX_UNKNOWN),
        reserved: 0,
        statistics: sized::chars(&p.statistics()),
    }
}

fn kernel_arg_properties(p: &KernelArgProperties) -> avx_kernel_arg_properties {
    avx_kernel_arg_properties {
        struct_size: size_of::<avx_kernel_arg_properties>() as u32,
        kind: binding_kind(p.kind),
        group: if p.kind == BindingKind::PushConstants { AVX_GROUP_PUSH_CONSTANTS } else { p.group },
        binding: p.binding,
        access: (if p.read { AVX_ACCESS_READ } else { 0 }) | (if p.write { AVX_ACCESS_WRITE } else { 0 }),
        alignment: p.alignment,
        min_size: p.min_size,
        stride: p.stride,
        name: sized::chars(&p.name),
    }
}

const _: () = assert!(size_of::<avx_constant>() == 32);
// SAFETY: each struct is repr(C) and starts with `struct_size: u32`; all-zero is valid for every field.
unsafe impl Sized32 for avx_kernel_options {}
// SAFETY: as above.
unsafe impl Sized32 for avx_kernel_properties {}
// SAFETY: as above.
unsafe impl Sized32 for avx_kernel_arg_properties {}
const _: () = {
    assert!(AVX_BOUNDS_NONE == kernel::Bounds::None as u32);
    assert!(AVX_BOUNDS_CHECKED == kernel::Bounds::Checked as u32);
    assert!(AVX_BOUNDS_HARDWARE == kernel::Bounds::Hardware as u32);
};

fn member_properties(m: &Member) -> avx_kernel_member_properties {
    let array = |of: fn(&(u64, u64)) -> u64| std::array::from_fn(|i| m.arrays.get(i).map_or(0, of));
    avx_kernel_member_properties {
        struct_size: size_of::<avx_kernel_member_properties>() as u32,
        scalar: m.scalar as u32,
        bits: m.bits,
        rows: m.rows,
        columns: m.columns,
        matrix_stride: m.matrix_stride,
        flags: if m.row_major { AVX_MEMBER_ROW_MAJOR } else { 0 },
        array_count: m.arrays.len() as u32,
        offset: m.offset,
        size: m.size,
        array_lengths: array(|(length, _)| *length),
        array_strides: array(|(_, stride)| *stride),
        name: sized::chars(&m.name),
    }
}

// SAFETY: the struct is repr(C) and starts with `struct_size: u32`; all-zero is valid for every field.
unsafe impl Sized32 for avx_kernel_member_properties {}

const _: () = {
    assert!(AVX_SCALAR_BYTES == Scalar::Bytes as u32);
    assert!(AVX_SCALAR_FLOAT == Scalar::Float as u32);
    assert!(AVX_SCALAR_INT == Scalar::Int as u32);
    assert!(AVX_SCALAR_UINT == Scalar::Uint as u32);
    assert!(AVX_SCALAR_BFLOAT == Scalar::Bfloat as u32);
    assert!(AVX_SCALAR_ADDRESS == Scalar::Address as u32);
    assert!(MAX_ARRAYS == 4);
};
