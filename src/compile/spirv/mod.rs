//! SPIR-V modules: reading, validating and reflecting them.
//!
//! | file | what it is about |
//! |---|---|
//! | [`module`] | a module cut into instructions |
//! | [`id_map`] | hash tables keyed by ids |
//! | [`constants`], [`constant_values`] | constants of the module, and values that the caller gives for them |
//! | [`index`] | look-ups by id: definitions, names, decorations, functions |
//! | [`layout`] | sizes of types |
//! | [`access`] | which variables an entry point reads and writes |
//! | [`entry`] | selection of an entry point by name |
//! | [`call_limits`] | limits on the size of a kernel once all calls are inlined |
//! | [`members`], [`reflect`] | the members of a block, and the interface of an entry point |
//! | [`feature`], [`requirements`] | what a module needs against what the device has |
//! | [`validate`] | validation of raw SPIR-V before a driver sees it |

pub(super) mod access;
pub(super) mod call_limits;
pub(super) mod constant_values;
pub(super) mod constants;
pub(crate) mod entry;
pub(crate) mod feature;
pub(super) mod id_map;
pub(super) mod index;
pub(super) mod layout;
pub(super) mod members;
pub(super) mod module;
pub(super) mod reflect;
pub(super) mod requirements;
pub(super) mod validate;
