//! The known faults of drivers, in one place, computed from how a driver identifies itself. Each entry says where the fault was seen. Most
//! entries only remove a feature, so that other code need not know about them. The others are flags that code has to check.

use super::features::Features;
use ash::vk;

/// Known faults of a driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quirks {
    /// A vkCmdFillBuffer of 4 KiB or more whose offset is no multiple of 16 starts at the multiple below, and overwrites bytes outside its
    /// range. The bytes up to the next multiple need a fill of their own. NVIDIA, seen on Ada (wgpu issue 4122).
    pub(crate) fill_slides_to_16: bool,
    /// Workgroup variables that are initialized with zero are cleared without a barrier before the kernel, so that early writes are lost:
    /// AMD's compiler LLPC, in its proprietary and its open driver, not Mesa's RADV (wgpu issue 4591).
    pub(crate) zero_initialize_races: bool,
    /// vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR crashes in the driver: AMD's proprietary one on integrated GPUs (AMDVLK
    /// issue 422, llama.cpp pull request 22750).
    pub(crate) matrix_query_crashes: bool,
    /// vkCmdCopyBuffer inside the device's memory reaches a fifth of its bandwidth, and between two kernels any transfer command costs
    /// more than a kernel that does the same: NVIDIA, measured on an H200 (docs/performance.md).
    pub(crate) copies_slowly: bool,
    /// With a pipeline cache, the driver ignores its own cache on disk, which provides a kernel in 1 ms, while the pipeline cache takes 10
    /// ms: NVIDIA, measured on an H100. The driver gets no pipeline cache.
    pub(crate) caches_itself: bool,
    /// Timeline semaphores do not work on all GPUs of the driver: Qualcomm's own (yuzu pull request 11017).
    pub(crate) timeline_broken: bool,
}

impl Quirks {
    /// The faults of the driver `id` (0: unknown) for a device with `properties`.
    pub(crate) fn of(id: vk::DriverId, properties: &vk::PhysicalDeviceProperties) -> Quirks {
        let integrated = properties.device_type == vk::PhysicalDeviceType::INTEGRATED_GPU;
        Quirks {
            fill_slides_to_16: id == vk::DriverId::NVIDIA_PROPRIETARY,
            copies_slowly: id == vk::DriverId::NVIDIA_PROPRIETARY,
            caches_itself: id == vk::DriverId::NVIDIA_PROPRIETARY,
            zero_initialize_races: id == vk::DriverId::AMD_PROPRIETARY || id == vk::DriverId::AMD_OPEN_SOURCE,
            matrix_query_crashes: id == vk::DriverId::AMD_PROPRIETARY && integrated,
            timeline_broken: id == vk::DriverId::QUALCOMM_PROPRIETARY,
        }
    }

    /// Removes the features that the driver offers but implements wrongly.
    pub(crate) fn apply(&self, features: &mut Features) {
        if self.zero_initialize_races {
            features.zero_initialize_workgroup_memory = false;
        }
        if self.matrix_query_crashes {
            features.cooperative_matrix = false;
        }
        if self.timeline_broken {
            features.timeline_semaphore = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: vk::DriverId, device_type: vk::PhysicalDeviceType) -> Quirks {
        Quirks::of(id, &vk::PhysicalDeviceProperties { device_type, ..Default::default() })
    }

    #[test]
    fn each_driver_has_its_own() {
        let (discrete, integrated) = (vk::PhysicalDeviceType::DISCRETE_GPU, vk::PhysicalDeviceType::INTEGRATED_GPU);
        assert!(of(vk::DriverId::NVIDIA_PROPRIETARY, discrete).fill_slides_to_16);
        assert!(of(vk::DriverId::AMD_PROPRIETARY, integrated).matrix_query_crashes);
        assert!(!of(vk::DriverId::AMD_PROPRIETARY, discrete).matrix_query_crashes);
        assert!(of(vk::DriverId::AMD_OPEN_SOURCE, discrete).zero_initialize_races);
        assert!(of(vk::DriverId::QUALCOMM_PROPRIETARY, integrated).timeline_broken);
        for id in [vk::DriverId::MESA_RADV, vk::DriverId::MESA_LLVMPIPE, vk::DriverId::MESA_NVK, vk::DriverId::from_raw(0)] {
            assert_eq!(of(id, discrete), Quirks::default());
        }
    }

    #[test]
    fn what_is_broken_is_taken_away() {
        let have =
            Features { zero_initialize_workgroup_memory: true, cooperative_matrix: true, timeline_semaphore: true, ..Features::default() };
        let mut features = have;
        Quirks { fill_slides_to_16: true, ..Quirks::default() }.apply(&mut features);
        assert_eq!(features, have);
        let all = Quirks {
            fill_slides_to_16: true,
            zero_initialize_races: true,
            matrix_query_crashes: true,
            copies_slowly: true,
            caches_itself: true,
            timeline_broken: true,
        };
        all.apply(&mut features);
        assert_eq!(features, Features::default());
    }
}
