//! A range of a Vulkan buffer.

use ash::vk;

/// A range of a Vulkan buffer. It has the layout of vk::DescriptorBufferInfo.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) buffer: vk::Buffer,
    pub(crate) offset: u64,
    pub(crate) size: u64,
}

const _: () = {
    use std::mem::offset_of;
    assert!(size_of::<Slice>() == size_of::<vk::DescriptorBufferInfo>());
    assert!(offset_of!(Slice, buffer) == offset_of!(vk::DescriptorBufferInfo, buffer));
    assert!(offset_of!(Slice, offset) == offset_of!(vk::DescriptorBufferInfo, offset));
    assert!(offset_of!(Slice, size) == offset_of!(vk::DescriptorBufferInfo, range));
};

impl Slice {
    /// The range of `size` bytes from `offset` on, which must lie inside.
    pub(crate) fn part(self, offset: u64, size: u64) -> Slice {
        debug_assert!(offset <= self.size && size <= self.size - offset, "{offset}+{size} leaves {self:?}");
        Slice { offset: self.offset + offset, size, ..self }
    }
}
