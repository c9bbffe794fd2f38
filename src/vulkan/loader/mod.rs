//! The Vulkan loader and its instances.
//!
//! | what | file |
//! |---|---|
//! | the loader, and one plain and one validating instance | `instance` |
//! | manifests that are no JSON | `manifests` |
//! | the messages of the validation layer | `messages` |

mod instance;
mod manifests;
mod messages;

#[cfg(test)]
pub(crate) use instance::tests::{TestInstance, instance_or_skip};
pub(crate) use instance::{Instance, creation_turn};
#[cfg(test)]
pub(crate) use messages::tests::{HAZARD, MISTAKE, messages_with, unexpected_messages};
pub(crate) use messages::{Severity, report, set_message_sink};
