//! Proves that messages of the validation layer reach the log callback, so that the absence of messages elsewhere in the suite is
//! meaningful.
//!
//! This test has a binary of its own, because it provokes a message of the validation layer, which fails every test in the same
//! process.

#[allow(dead_code, reason = "each test file uses its own part of the helpers")]
mod common;

use common::*;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::Mutex;

static LINES: Mutex<Vec<(i32, String)>> = Mutex::new(Vec::new());

unsafe extern "C" fn keep(record: *const avx_log_record, _user: *mut c_void) {
    LINES.lock().expect("no test fails while it holds this").push(line_of(record));
}

#[test]
fn a_message_of_the_validation_layer_is_heard() {
    let no_cache = c("");
    let options = avx_device_options { flags: AVX_CREATE_VALIDATION, cache_dir: no_cache.as_ptr(), ..avx_device_options::zeroed() };
    let Some(device) = Device::open_with(&options) else { return };
    ok(abi::set_log(Some(keep), null_mut(), AVX_LOG_WARN));
    assert!(avx_gpu::testing::provoke_validation_message(), "no validating instance is open");
    // A thread that is inside a call delivers the line.
    ok(avx_device_synchronize(device.handle, AVX_FOREVER));
    ok(abi::set_log(None, null_mut(), AVX_LOG_OFF));
    let lines = LINES.lock().expect("unpoisoned");
    let heard = lines.iter().find(|l| l.1.contains("validation:"));
    assert!(heard.is_some_and(|l| [AVX_LOG_WARN, AVX_LOG_ERROR].contains(&l.0)), "no message of the validation layer arrived: {lines:?}");
    drop(lines);
    device.close();
}
