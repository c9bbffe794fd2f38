//! The limits that the Vulkan specification requires of every device of a version, and where a kernel exceeds them.

use crate::abi::Offline;
use avx_gpu::ffi::*;

/// Required limits of compute kernels.
struct Limits {
    workgroup_size: [u32; 3],
    invocations: u32,
    shared_memory: u32,
    push_constants: u64,
    groups: u32,
    storage_buffers: usize,
    uniform_buffers: usize,
}

/// The limits of Vulkan 1.0 to 1.3.
const CORE: Limits = Limits {
    workgroup_size: [128, 128, 64],
    invocations: 128,
    shared_memory: 16384,
    push_constants: 128,
    groups: 4,
    storage_buffers: 4,
    uniform_buffers: 12,
};

/// The limits of Vulkan 1.4.
const CORE_1_4: Limits =
    Limits { workgroup_size: [256, 256, 64], invocations: 256, push_constants: 256, groups: 7, uniform_buffers: 15, ..CORE };

/// A sentence for each thing that a kernel needs and that not every device of Vulkan 1.`minor` has.
pub(crate) fn exceeded(kernel: &Offline, minor: u32) -> Vec<String> {
    let limits = if minor >= 4 { CORE_1_4 } else { CORE };
    let mut needs: Vec<String> = features(kernel);
    let mut over = |what: &str, own: u64, least: u64| {
        if own > least {
            needs.push(format!("{what}: {own}, where {least} are guaranteed"));
        }
    };
    let invocations = kernel.workgroup_size.iter().map(|&n| u64::from(n)).fold(1, u64::saturating_mul);
    over("invocations in a workgroup", invocations, limits.invocations.into());
    for ((name, own), least) in ["x", "y", "z"].iter().zip(kernel.workgroup_size).zip(limits.workgroup_size) {
        // If the product is too large, its message is enough.
        if invocations <= limits.invocations.into() {
            over(&format!("invocations of a workgroup in {name}"), own.into(), least.into());
        }
    }
    over("bytes of workgroup memory", kernel.shared_memory.into(), limits.shared_memory.into());
    let count = |kind: u32| kernel.args.iter().filter(|arg| arg.kind == kind).count();
    over("storage buffers", count(AVX_BINDING_STORAGE) as u64, limits.storage_buffers as u64);
    over("uniform blocks", count(AVX_BINDING_UNIFORM) as u64, limits.uniform_buffers as u64);
    for arg in &kernel.args {
        match arg.kind {
            AVX_BINDING_PUSH_CONSTANTS => over("bytes of push constants", arg.min_size, limits.push_constants),
            _ => over("groups", u64::from(arg.group) + 1, limits.groups.into()),
        }
    }
    needs.dedup();
    needs
}

/// The optional features that a kernel uses, each as text.
pub(crate) fn features(kernel: &Offline) -> Vec<String> {
    let needed = kernel.capabilities.iter().filter(|(name, _)| !["Shader", "Matrix"].contains(&name.as_str()));
    let words = needed.map(|(name, what)| if what.is_empty() { name.clone() } else { format!("{what} ({name})") });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::OfflineArg;

    #[test]
    fn what_exceeds_the_limits_is_named() {
        let plain = Offline { workgroup_size: [16, 8, 1], capabilities: vec![("Shader".into(), "")], ..Offline::default() };
        assert_eq!(exceeded(&plain, 1), [""; 0]);
        let large = Offline { workgroup_size: [256, 1, 1], shared_memory: 20000, ..plain.clone() };
        assert_eq!(
            exceeded(&large, 3),
            ["invocations in a workgroup: 256, where 128 are guaranteed", "bytes of workgroup memory: 20000, where 16384 are guaranteed"]
        );
        assert_eq!(exceeded(&large, 4), ["bytes of workgroup memory: 20000, where 16384 are guaranteed"]);
        let deep = Offline { workgroup_size: [1, 1, 65], ..plain.clone() };
        assert_eq!(exceeded(&deep, 1), ["invocations of a workgroup in z: 65, where 64 are guaranteed"]);
        let half = Offline { capabilities: vec![("Float16".into(), "f16 arithmetic"), ("Odd".into(), "")], ..plain.clone() };
        assert_eq!(exceeded(&half, 4), ["f16 arithmetic (Float16)", "Odd"]);
        let arg = |kind, group| OfflineArg { kind, group, binding: 0, access: 1, min_size: 200, stride: 0, name: String::new() };
        let args = Offline { args: vec![arg(AVX_BINDING_STORAGE, 6), arg(AVX_BINDING_PUSH_CONSTANTS, 0)], ..plain };
        assert_eq!(exceeded(&args, 1), ["groups: 7, where 4 are guaranteed", "bytes of push constants: 200, where 128 are guaranteed"]);
        assert_eq!(exceeded(&args, 4), [""; 0]);
    }
}
