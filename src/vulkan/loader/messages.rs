//! The messages of the validation layer. They go from the driver's callback to the process-wide message sink, one line for each message.

use crate::vulkan::error::{Error, Result};
use ash::vk;
use once_cell::sync::OnceCell;
use std::ffi::{CStr, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The severity of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    /// The use is probably wrong or slow.
    Warning,
    /// Wrong.
    Error,
}

/// Receives messages. It may be called on any thread, also on threads of the driver, and on several threads at once. It may run inside a
/// Vulkan call and under locks of this layer, so it must not call into this layer, and should only store the message.
pub(crate) type Sink = fn(Severity, &str);

/// The sink, which the runtime's log sets once. It is a plain function pointer, so that reading it takes no lock inside a driver's
/// callback.
static SINK: OnceCell<Sink> = OnceCell::new();

/// Sends all messages of this layer to `sink` from now on, for the whole process. Calls after the first one do nothing.
pub(crate) fn set_message_sink(sink: Sink) {
    let _ = SINK.set(sink);
}

/// Passes a message to the sink, if there is one.
pub(crate) fn report(severity: Severity, message: &str) {
    #[cfg(test)]
    tests::record(severity, message);
    if let Some(sink) = SINK.get() {
        deliver(*sink, severity, message);
    }
}

/// Calls the sink. A panic of the sink is caught here, because the caller may be inside a driver.
fn deliver(sink: Sink, severity: Severity, message: &str) {
    // The sink is a plain function without captured state, so a panic leaves nothing half changed.
    let _ = catch_unwind(AssertUnwindSafe(|| sink(severity, message)));
}

/// The messages to receive: warnings and errors of validation. Messages of the loader have the type GENERAL and are left out.
pub(crate) fn messenger_info() -> vk::DebugUtilsMessengerCreateInfoEXT<'static> {
    vk::DebugUtilsMessengerCreateInfoEXT::default()
        .message_severity(vk::DebugUtilsMessageSeverityFlagsEXT::WARNING | vk::DebugUtilsMessageSeverityFlagsEXT::ERROR)
        .message_type(vk::DebugUtilsMessageTypeFlagsEXT::VALIDATION | vk::DebugUtilsMessageTypeFlagsEXT::PERFORMANCE)
        .pfn_user_callback(Some(on_message))
}

/// Starts to receive the messages of an instance that was created with VK_EXT_debug_utils. The messenger lives as long as the instance.
///
/// Errors: those of vkCreateDebugUtilsMessengerEXT, which is only `OutOfHostMemory`.
pub(crate) fn listen(entry: &ash::Entry, instance: &ash::Instance) -> Result<vk::DebugUtilsMessengerEXT> {
    let functions = ash::ext::debug_utils::Instance::new(entry, instance);
    // SAFETY: the caller's instance is alive and has VK_EXT_debug_utils enabled, so the function exists; the create info is complete, and
    // its callback is a function of this module that needs no user data.
    unsafe { functions.create_debug_utils_messenger(&messenger_info(), None) }.map_err(|e| Error::of("vkCreateDebugUtilsMessengerEXT", e))
}

/// The line for a message of the validation layer.
fn line(name: Option<&CStr>, text: Option<&CStr>) -> String {
    let name = name.map_or("unnamed".into(), CStr::to_string_lossy);
    let text = text.map_or("".into(), CStr::to_string_lossy);
    format!("validation: {name}: {}", text.trim())
}

/// Whether the message only means that the layer is older than the driver and does not know one of its extensions, or a struct of one. That
/// is not an error of the library.
fn of_the_future(text: &CStr) -> bool {
    let text = text.to_string_lossy();
    text.contains("unknown VkStructureType") || (text.contains("Device Extension") && text.contains("not supported by this layer"))
}

/// The callback that the driver calls. It never unwinds. It always returns VK_FALSE ("go on with the call"), which is the only value that
/// an application may return.
unsafe extern "system" fn on_message(
    severity: vk::DebugUtilsMessageSeverityFlagsEXT,
    _types: vk::DebugUtilsMessageTypeFlagsEXT,
    data: *const vk::DebugUtilsMessengerCallbackDataEXT<'_>,
    _user: *mut c_void,
) -> vk::Bool32 {
    let _ = catch_unwind(|| {
        // SAFETY: Vulkan passes NULL or a callback data that is valid during the call.
        let Some(data) = (unsafe { data.as_ref() }) else { return };
        // SAFETY: both texts are NULL or NUL-terminated and live as long as `data`; these two functions check for NULL.
        let (name, text) = unsafe { (data.message_id_name_as_c_str(), data.message_as_c_str()) };
        if text.is_some_and(of_the_future) {
            return;
        }
        let error = severity.contains(vk::DebugUtilsMessageSeverityFlagsEXT::ERROR);
        report(if error { Severity::Error } else { Severity::Warning }, &line(name, text));
    });
    vk::FALSE
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::sync::Mutex;

    /// All messages that were reported in this test process, independent of the sink.
    static SEEN: Mutex<Vec<(Severity, String)>> = Mutex::new(Vec::new());

    /// Stores a message for the tests.
    pub(crate) fn record(severity: Severity, message: &str) {
        SEEN.lock().unwrap_or_else(|e| e.into_inner()).push((severity, message.to_owned()));
    }

    /// Mistakes that tests make on purpose: the ids of the layer's messages about them.
    pub(crate) const MISTAKE: &str = "VUID-VkBufferCreateInfo-";
    pub(crate) const HAZARD: &str = "SYNC-HAZARD-WRITE-AFTER-WRITE";

    /// The layer's messages so far that no test asked for.
    pub(crate) fn unexpected_messages() -> Vec<(Severity, String)> {
        let mut messages = messages_with("validation: ");
        messages.retain(|(_, text)| ["VUID-test", MISTAKE, HAZARD].iter().all(|asked| !text.contains(asked)));
        messages
    }

    /// The messages so far that contain `part`.
    pub(crate) fn messages_with(part: &str) -> Vec<(Severity, String)> {
        SEEN.lock().unwrap_or_else(|e| e.into_inner()).iter().filter(|(_, m)| m.contains(part)).cloned().collect()
    }

    #[test]
    fn messages_are_one_line_with_the_id() {
        assert_eq!(line(Some(c"VUID-x-1"), Some(c"wrong\n")), "validation: VUID-x-1: wrong");
        assert_eq!(line(None, None), "validation: unnamed: ");
    }

    #[test]
    fn callback_takes_anything() {
        let none = vk::DebugUtilsMessageTypeFlagsEXT::VALIDATION;
        let data = vk::DebugUtilsMessengerCallbackDataEXT::default().message_id_name(c"VUID-test").message(c"callback_takes_anything");
        for severity in [vk::DebugUtilsMessageSeverityFlagsEXT::WARNING, vk::DebugUtilsMessageSeverityFlagsEXT::ERROR] {
            // SAFETY: `data` is valid during the call, and NULL is allowed.
            unsafe {
                assert_eq!(on_message(severity, none, &data, std::ptr::null_mut()), vk::FALSE);
                assert_eq!(on_message(severity, none, std::ptr::null(), std::ptr::null_mut()), vk::FALSE);
            }
        }
        let newer =
            vk::DebugUtilsMessengerCallbackDataEXT::default().message(c"callback_takes_anything unknown VkStructureType (1000506002)");
        // SAFETY: `newer` is valid during the call.
        assert_eq!(unsafe { on_message(vk::DebugUtilsMessageSeverityFlagsEXT::ERROR, none, &newer, std::ptr::null_mut()) }, vk::FALSE);
        let seen = messages_with("callback_takes_anything");
        let text = "validation: VUID-test: callback_takes_anything".to_owned();
        assert_eq!(seen, [(Severity::Warning, text.clone()), (Severity::Error, text)]);
    }

    #[test]
    fn a_panicking_sink_goes_no_further() {
        deliver(|_, _| panic!("asked for by a test"), Severity::Error, "");
    }
}
