//! SPIR-V for the tests: modules compiled from WGSL, and the instructions of a module.

use naga::back::spv;
use naga::valid::{Capabilities, ValidationFlags, Validator};

/// The first words of a module: magic, version, generator, bound, schema.
pub(crate) const HEADER: usize = 5;
/// OpEntryPoint.
pub(crate) const OP_ENTRY_POINT: u32 = 15;
/// OpCapability.
pub(crate) const OP_CAPABILITY: u32 = 17;
/// OpVariable.
pub(crate) const OP_VARIABLE: u32 = 59;
/// OpDecorate.
pub(crate) const OP_DECORATE: u32 = 71;
/// The storage class StorageBuffer.
pub(crate) const STORAGE_BUFFER: u32 = 12;
/// The storage class Uniform, which buffers in SPIR-V 1.0 have.
pub(crate) const UNIFORM: u32 = 2;

/// The words of a WGSL module, with names, as a user's own compiler would produce them.
pub(crate) fn words(source: &str) -> Vec<u32> {
    let module = naga::front::wgsl::parse_str(source).expect("the test's WGSL parses");
    let info = Validator::new(ValidationFlags::all(), Capabilities::all()).validate(&module).expect("the test's WGSL is valid");
    let mut options = spv::Options { lang_version: (1, 3), force_loop_bounding: false, ..spv::Options::default() };
    options.flags |= spv::WriterFlags::DEBUG;
    spv::write_vec(&module, &info, &options, None).expect("the test's WGSL becomes SPIR-V")
}

/// The bytes of words.
pub(crate) fn bytes(words: &[u32]) -> Vec<u8> {
    super::bytes_of(words)
}

/// The start of each instruction, with its opcode and its length in words.
pub(crate) fn instructions(words: &[u32]) -> Vec<(usize, u32, usize)> {
    let mut found = Vec::new();
    let mut at = HEADER;
    while at < words.len() {
        let length = (words[at] >> 16) as usize;
        assert!(length > 0, "broken words have no instructions to list");
        found.push((at, words[at] & 0xFFFF, length));
        at += length;
    }
    found
}

/// The same module, with each storage buffer decorated `Aliased`.
pub(crate) fn aliased(words: &[u32]) -> Vec<u32> {
    let list = instructions(words);
    let buffers = list.iter().filter(|&&(at, op, _)| op == OP_VARIABLE && [STORAGE_BUFFER, UNIFORM].contains(&words[at + 3]));
    let decorations: Vec<u32> = buffers.flat_map(|&(at, ..)| [3 << 16 | OP_DECORATE, words[at + 2], 20]).collect();
    let place = list.iter().find(|&&(_, op, _)| op == OP_DECORATE).expect("buffers are decorated").0;
    let mut module = words[..place].to_vec();
    module.extend_from_slice(&decorations);
    module.extend_from_slice(&words[place..]);
    module
}

/// The same module, with its 32-bit constant `value` as a specialization constant with this id.
pub(crate) fn specializable(words: &[u32], value: u32, id: u32) -> Vec<u32> {
    specializable_words(words, &[value], id)
}

/// The same for a constant of 64 bits.
pub(crate) fn specializable_long(words: &[u32], value: u64, id: u32) -> Vec<u32> {
    specializable_words(words, &[value as u32, (value >> 32) as u32], id)
}

fn specializable_words(words: &[u32], value: &[u32], id: u32) -> Vec<u32> {
    let (op_constant, op_spec_constant, spec_id) = (43, 50, 1);
    let list = instructions(words);
    let constant = list.iter().find(|&&(at, op, length)| op == op_constant && words[at + 3..at + length] == *value);
    let &(at, _, length) = constant.expect("the constant is there");
    let place = list.iter().find(|&&(_, op, _)| op == OP_DECORATE).expect("buffers are decorated").0;
    let mut module = words[..place].to_vec();
    module.extend([4 << 16 | OP_DECORATE, words[at + 2], spec_id, id]);
    module.extend_from_slice(&words[place..at]);
    module.push((length as u32) << 16 | op_spec_constant);
    module.extend_from_slice(&words[at + 1..]);
    module
}
