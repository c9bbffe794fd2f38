//! What a kernel asks of its subgroups: their size, and that all of them are full.

use crate::compile::Interface;
use crate::runtime::base::error::{Error, Result, Status};
use crate::vulkan;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Subgroups {
    /// The number of invocations in each. With 0 the driver chooses.
    pub(crate) size: u32,
    /// All subgroups are full: the first dimension of the workgroup is a multiple of their size.
    pub(crate) full: bool,
}

impl Subgroups {
    /// Fails if the device cannot do that, or if the workgroups of the kernel do not fit.
    pub(crate) fn check(self, device: &vulkan::Device, interface: &Interface) -> Result<()> {
        let (features, snapshot) = (device.features(), device.snapshot());
        let entry = &interface.entry;
        let unsupported = |why: String| Err(Error::new(Status::Unsupported, why));
        let name = &snapshot.title;
        if self.full && !features.compute_full_subgroups {
            return unsupported(format!("{entry}: \"{name}\" cannot promise full subgroups (computeFullSubgroups)"));
        }
        if self.fixed(device) != 0 {
            let (min, max) = (snapshot.subgroup_size_min, snapshot.subgroup_size_max);
            if !self.size.is_power_of_two() || !(min..=max).contains(&self.size) {
                let them = if min == max { format!("of {min}") } else { format!("of the powers of two from {min} to {max}") };
                return unsupported(format!(
                    "{entry}: a subgroup size of {} was asked for, and \"{name}\" has subgroups {them}",
                    self.size
                ));
            }
            if !(features.subgroup_size_control && snapshot.subgroup_size_fixable) {
                return unsupported(format!(
                    "{entry}: \"{name}\" has subgroups of {min} to {max} and does not let a kernel fix their size (subgroupSizeControl)"
                ));
            }
            let invocations = interface.workgroup_size.iter().map(|n| u64::from(*n)).product::<u64>();
            let most = u64::from(self.size) * u64::from(snapshot.max_workgroup_subgroups);
            if invocations > most {
                let message = format!(
                    "{entry}: a workgroup of {invocations} invocations in subgroups of {}, and \"{name}\" takes {} subgroups, {most} \
                     invocations",
                    self.size, snapshot.max_workgroup_subgroups
                );
                return Err(Error::new(Status::Limit, message));
            }
        }
        let size = if self.size == 0 { snapshot.subgroup_size } else { self.size };
        if self.full && !interface.workgroup_size[0].is_multiple_of(size) {
            let message = format!(
                "{entry}: full subgroups were asked for, and its workgroups are {} wide, which is not a multiple of the subgroup size {size}",
                interface.workgroup_size[0]
            );
            return Err(Error::new(Status::Limit, message));
        }
        Ok(())
    }

    /// The size that a pipeline must be given. 0 where the device has no other size.
    pub(crate) fn fixed(self, device: &vulkan::Device) -> u32 {
        let snapshot = device.snapshot();
        let only = snapshot.subgroup_size_min == snapshot.subgroup_size_max && self.size == snapshot.subgroup_size;
        if only { 0 } else { self.size }
    }
}
