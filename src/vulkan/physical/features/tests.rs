//! Tests of the table of features: which features are queried and enabled, and that the values that are written are read back.

use super::*;
use std::ffi::CString;

fn names(extensions: &[&CStr]) -> Vec<CString> {
    extensions.iter().map(|&name| name.to_owned()).collect()
}

/// The sTypes of the linked structs, in any order.
fn linked(head: &vk::PhysicalDeviceFeatures2<'_>) -> Vec<vk::StructureType> {
    let mut types = Vec::new();
    let mut next = head.p_next.cast::<vk::BaseOutStructure<'_>>();
    // SAFETY: the chain was just linked from structs that are alive and start as every Vulkan struct does.
    while let Some(node) = unsafe { next.as_ref() } {
        types.push(node.s_type);
        next = node.p_next;
    }
    types
}

#[test]
fn only_what_the_device_knows_is_asked() {
    let none = Available { minor: 1, extensions: &[] };
    let known = linked(&Chain::default().link_known(&none));
    assert_eq!(known.len(), 2, "16-bit storage and variable pointers are all that 1.1 has: {known:?}");
    let listed = names(&[vk::KHR_TIMELINE_SEMAPHORE_NAME, KHR_SHADER_BFLOAT16_NAME]);
    let known = linked(&Chain::default().link_known(&Available { minor: 1, extensions: &listed }));
    assert!(known.contains(&vk::StructureType::PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES));
    assert!(known.contains(&vk::StructureType::from_raw(1_000_141_000)));
    let all = linked(&Chain::default().link_known(&Available { minor: 4, extensions: &[] }));
    assert!(all.contains(&vk::StructureType::PHYSICAL_DEVICE_MAINTENANCE_5_FEATURES_KHR));
    assert!(!all.contains(&vk::StructureType::PHYSICAL_DEVICE_ROBUSTNESS_2_FEATURES_EXT));
}

#[test]
fn extensions_are_enabled_only_before_they_are_core() {
    let listed = names(&[vk::KHR_TIMELINE_SEMAPHORE_NAME, vk::EXT_MEMORY_BUDGET_NAME, vk::KHR_MAINTENANCE5_NAME, c"VK_KHR_swapchain"]);
    let at = |minor| extensions_for(&Available { minor, extensions: &listed });
    assert_eq!(at(1), [vk::KHR_TIMELINE_SEMAPHORE_NAME, vk::EXT_MEMORY_BUDGET_NAME]);
    assert_eq!(at(3), [vk::KHR_MAINTENANCE5_NAME, vk::EXT_MEMORY_BUDGET_NAME]);
    assert_eq!(at(4), [vk::EXT_MEMORY_BUDGET_NAME]);
}

#[test]
fn what_is_written_is_read_back() {
    let all = Features {
        shader_int64: true,
        robust_buffer_access: true,
        robust_buffer_access_2: true,
        storage_buffer_16: true,
        bfloat16_type: true,
        timeline_semaphore: true,
        ..Features::default()
    };
    let none = Available { minor: 1, extensions: &[] };
    assert_eq!(Chain::write(&all).read(&none), all);
    let mut request = DeviceRequest::everything(&none, &all);
    let head = request.link();
    assert_eq!(head.features.shader_int64, vk::TRUE);
    assert_eq!(head.features.geometry_shader, vk::FALSE);
    assert_eq!(linked(&head).len(), 4);
}

#[test]
fn robustness_comes_whole_or_not_at_all() {
    let plain = Features { robust_buffer_access: true, ..Features::default() };
    assert_eq!(plain.consistent(), Features::default());
    let whole = Features { robust_buffer_access_2: true, ..plain };
    assert_eq!(whole.consistent(), whole);
}

#[test]
fn baseline_asks_for_nothing_but_portability() {
    let listed = names(&[vk::KHR_TIMELINE_SEMAPHORE_NAME, vk::KHR_PORTABILITY_SUBSET_NAME]);
    let available = Available { minor: 3, extensions: &listed };
    let mut request = DeviceRequest::baseline(&available);
    assert_eq!(request.extensions, [vk::KHR_PORTABILITY_SUBSET_NAME]);
    assert!(request.features.named().iter().all(|&(_, on)| !on));
    assert!(linked(&request.link()).is_empty());
    assert!(DeviceRequest::everything(&available, &Features::default()).extensions.contains(&vk::KHR_PORTABILITY_SUBSET_NAME));
}

#[test]
fn subgroup_operations_count_only_in_compute() {
    let mut subgroup = vk::PhysicalDeviceSubgroupProperties {
        supported_operations: vk::SubgroupFeatureFlags::BASIC | vk::SubgroupFeatureFlags::BALLOT,
        supported_stages: vk::ShaderStageFlags::FRAGMENT,
        ..Default::default()
    };
    let float = vk::PhysicalDeviceFloatControlsProperties { shader_rounding_mode_rte_float32: vk::TRUE, ..Default::default() };
    let mut features = Features::default();
    features.add_properties(&subgroup, &float);
    assert_eq!(features, Features::default());
    subgroup.supported_stages = vk::ShaderStageFlags::COMPUTE;
    features.float_controls = true;
    features.add_properties(&subgroup, &float);
    assert!(features.subgroup_basic && features.subgroup_ballot && !features.subgroup_shuffle && features.rounding_mode_rte);
}
