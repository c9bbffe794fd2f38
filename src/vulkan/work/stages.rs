//! The pipeline stages in which commands access memory. A barrier has a set of them on each side.

use ash::vk::{AccessFlags, PipelineStageFlags};

/// A stage in which a command accesses memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A kernel.
    Compute = 0,
    /// A copy or fill command.
    Transfer = 1,
    /// Reading workgroup counts from a buffer.
    Indirect = 2,
    /// A kernel that reads uniform data. A barrier for it invalidates another cache, so it is a stage of its own.
    Uniform = 3,
}

impl Stage {
    /// The stages by their numbers.
    pub(crate) const ALL: [Stage; 4] = [Stage::Compute, Stage::Transfer, Stage::Indirect, Stage::Uniform];

    const fn flags(self) -> (PipelineStageFlags, AccessFlags, AccessFlags) {
        match self {
            Stage::Compute => (PipelineStageFlags::COMPUTE_SHADER, AccessFlags::SHADER_READ, AccessFlags::SHADER_WRITE),
            Stage::Transfer => (PipelineStageFlags::TRANSFER, AccessFlags::TRANSFER_READ, AccessFlags::TRANSFER_WRITE),
            Stage::Indirect => (PipelineStageFlags::DRAW_INDIRECT, AccessFlags::INDIRECT_COMMAND_READ, AccessFlags::empty()),
            Stage::Uniform => (PipelineStageFlags::COMPUTE_SHADER, AccessFlags::UNIFORM_READ, AccessFlags::empty()),
        }
    }
}

/// A set of stages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stages(u8);

/// For each set: the Vulkan stages, their write accesses, and all of their accesses.
const FLAGS: [(PipelineStageFlags, AccessFlags, AccessFlags); 1 << Stage::ALL.len()] = {
    let mut all = [(PipelineStageFlags::empty(), AccessFlags::empty(), AccessFlags::empty()); 1 << Stage::ALL.len()];
    let mut set = 0;
    while set < all.len() {
        let mut number = 0;
        while number < Stage::ALL.len() {
            if set >> number & 1 == 1 {
                let (stage, reads, writes) = Stage::ALL[number].flags();
                let (stages, all_writes, accesses) = all[set];
                all[set] = (
                    PipelineStageFlags::from_raw(stages.as_raw() | stage.as_raw()),
                    AccessFlags::from_raw(all_writes.as_raw() | writes.as_raw()),
                    AccessFlags::from_raw(accesses.as_raw() | reads.as_raw() | writes.as_raw()),
                );
            }
            number += 1;
        }
        set += 1;
    }
    all
};

impl Stages {
    pub(crate) const ALL: Stages = Stages((1 << Stage::ALL.len()) - 1);

    #[inline]
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[inline]
    pub(crate) fn insert(&mut self, other: Stages) {
        self.0 |= other.0;
    }

    /// The numbers of the stages in the set.
    #[inline]
    pub(crate) fn numbers(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let number = (left != 0).then_some(left.trailing_zeros() as usize % Stage::ALL.len());
            left &= left.wrapping_sub(1);
            number
        })
    }

    #[inline]
    pub(super) fn flags(self) -> PipelineStageFlags {
        FLAGS[usize::from(self.0) % FLAGS.len()].0
    }

    /// The write accesses of the stages.
    #[inline]
    pub(super) fn writes(self) -> AccessFlags {
        FLAGS[usize::from(self.0) % FLAGS.len()].1
    }

    /// All accesses of the stages.
    #[inline]
    pub(super) fn accesses(self) -> AccessFlags {
        FLAGS[usize::from(self.0) % FLAGS.len()].2
    }
}

impl From<Stage> for Stages {
    #[inline]
    fn from(stage: Stage) -> Stages {
        Stages(1 << stage as u8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_have_the_flags_of_their_stages() {
        let mut set = Stages::default();
        assert!(set.is_empty() && set.flags().is_empty());
        set.insert(Stage::Uniform.into());
        assert_eq!((set.flags(), set.writes()), (PipelineStageFlags::COMPUTE_SHADER, AccessFlags::empty()));
        assert_eq!(set.accesses(), AccessFlags::UNIFORM_READ);
        set.insert(Stage::Transfer.into());
        assert_eq!(set.flags(), PipelineStageFlags::COMPUTE_SHADER | PipelineStageFlags::TRANSFER);
        assert_eq!(set.writes(), AccessFlags::TRANSFER_WRITE);
        assert_eq!(set.numbers().collect::<Vec<_>>(), [Stage::Transfer as usize, Stage::Uniform as usize]);
        assert_eq!(Stages::ALL.numbers().map(|n| Stage::ALL[n]).collect::<Vec<_>>(), Stage::ALL);
    }
}
