//! Structs that start with `struct_size` and may grow. An input is read with whatever size the caller's header gave it, and an output
//! is filled as far as the caller's struct reaches.

use crate::runtime::base::error::{Result, invalid};
use std::ffi::c_char;
use std::marker::PhantomData;

/// A struct that may grow.
///
/// # Safety
/// The type is `repr(C)`, starts with `struct_size: u32`, and is valid when all its bytes are zero, and for any bytes.
pub(super) unsafe trait Sized32: Copy {
    /// Bytes of the struct in the first release that had it: no caller has a smaller one. A struct that has grown says
    /// `offset_of!` its first newer field.
    const FIRST: usize = size_of::<Self>();
}

/// A larger struct than any that will ever be is a mistake, and reading its tail a danger.
const MAX_STRUCT: u32 = 64 << 10;

/// The caller's struct, cut or filled up with zeros to this library's size.
///
/// # Safety
/// `pointer` is NULL or points to the bytes that its first field counts.
pub(super) unsafe fn input<T: Sized32>(pointer: *const T, name: &str) -> Result<T> {
    // SAFETY: as the caller promises.
    let size = unsafe { struct_size(pointer, name) }?;
    let bytes = pointer.cast::<u8>();
    for i in size_of::<T>()..size as usize {
        // SAFETY: i is below the size that the caller gave.
        if unsafe { bytes.add(i).read() } != 0 {
            let message = format!(
                "{name} has struct_size {size} and byte {i} is not zero: it asks for something newer than this library, which knows {} bytes",
                size_of::<T>()
            );
            return Err(invalid(message));
        }
    }
    // SAFETY: all-zero is a valid T, by the trait.
    let mut value: T = unsafe { std::mem::zeroed() };
    // SAFETY: at most the bytes of both sides are copied; any bytes are a valid T, by the trait.
    unsafe { std::ptr::from_mut(&mut value).cast::<u8>().copy_from_nonoverlapping(bytes, size_of::<T>().min(size as usize)) };
    Ok(value)
}

/// As `input`, of a struct that may be left out.
///
/// # Safety
/// `pointer` is NULL or points to the bytes that its first field counts.
pub(super) unsafe fn optional<T: Sized32>(pointer: *const T, name: &str) -> Result<Option<T>> {
    // SAFETY: as the caller promises.
    if pointer.is_null() { Ok(None) } else { unsafe { input(pointer, name) }.map(Some) }
}

/// # Safety
/// `pointer` is NULL or points to the bytes that its first field counts.
unsafe fn struct_size<T: Sized32>(pointer: *const T, name: &str) -> Result<u32> {
    if pointer.is_null() {
        return Err(invalid(format!("{name} is NULL")));
    }
    // SAFETY: not NULL, so the first field is there, says the caller.
    let size = unsafe { pointer.cast::<u32>().read_unaligned() };
    if (size as usize) < T::FIRST || size > MAX_STRUCT {
        let known = size_of::<T>();
        return Err(invalid(format!("{name}->struct_size is {size}; set it to sizeof its type ({known} in this version) first")));
    }
    Ok(size)
}

/// A struct that the library fills.
pub(super) struct Output<'a, T> {
    pointer: *mut T,
    size: u32,
    _life: PhantomData<&'a mut T>,
}

/// An output called `name` in the header.
///
/// # Safety
/// `pointer` is NULL or points to as many bytes as its first field says, writable for the length of the call.
pub(super) unsafe fn output<'a, T: Sized32>(pointer: *mut T, name: &str) -> Result<Output<'a, T>> {
    // SAFETY: as the caller promises.
    let size = unsafe { struct_size(pointer, name) }?;
    Ok(Output { pointer, size, _life: PhantomData })
}

impl<T: Sized32> Output<'_, T> {
    /// Fills what the caller has room for, zeroes what this library does not know, and says how much is filled.
    pub(super) fn fill(self, value: &T) {
        let known = size_of::<T>().min(self.size as usize);
        let bytes = self.pointer.cast::<u8>();
        // SAFETY: `known` is within both, the rest within the caller's size.
        unsafe {
            bytes.copy_from_nonoverlapping(std::ptr::from_ref(value).cast(), known);
            bytes.add(known).write_bytes(0, self.size as usize - known);
            self.pointer.cast::<u32>().write_unaligned(known as u32);
        }
    }
}

/// Text in a fixed array: cut at a character's boundary, always NUL-terminated.
pub(super) fn chars<const N: usize>(text: &str) -> [c_char; N] {
    let mut array = [0; N];
    let cut = text.floor_char_boundary(N - 1);
    for (to, from) in array.iter_mut().zip(text[..cut].bytes()) {
        *to = from as c_char;
    }
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it was in the first release.
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Old {
        struct_size: u32,
        a: u32,
    }

    /// As it has grown since.
    #[repr(C)]
    #[derive(Clone, Copy, PartialEq, Debug)]
    struct Grown {
        struct_size: u32,
        a: u32,
        b: u64,
    }

    // SAFETY: repr(C), struct_size first, valid for any bytes.
    unsafe impl Sized32 for Grown {
        const FIRST: usize = std::mem::offset_of!(Grown, b);
    }

    #[test]
    fn an_older_struct_is_filled_up_with_zeros_and_filled_no_further_than_it_goes() {
        let old = [Old { struct_size: 8, a: 5 }, Old { struct_size: 77, a: 77 }];
        // SAFETY: the struct has the 8 bytes that it names.
        let read = unsafe { input(old.as_ptr().cast::<Grown>(), "options") }.unwrap();
        assert_eq!(read, Grown { struct_size: 8, a: 5, b: 0 });
        let mut into = old;
        // SAFETY: the struct has the 8 bytes that it names.
        let output = unsafe { output(into.as_mut_ptr().cast::<Grown>(), "properties") }.unwrap();
        output.fill(&Grown { struct_size: 16, a: 6, b: u64::MAX });
        assert_eq!([into[0].struct_size, into[0].a, into[1].struct_size, into[1].a], [8, 6, 77, 77]);
    }

    #[test]
    fn sizes_of_no_version_are_refused() {
        for struct_size in [0, 4, 7, MAX_STRUCT + 1, u32::MAX] {
            let old = Old { struct_size, a: 5 };
            // SAFETY: the size is looked at before anything behind it.
            let error = unsafe { input((&raw const old).cast::<Grown>(), "options") }.unwrap_err();
            assert!(error.message.contains(&format!("options->struct_size is {struct_size}")), "{error}");
        }
    }
}
