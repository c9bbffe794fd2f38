//! The entry points that are watched.

use crate::driver::forward;
use std::sync::atomic::{AtomicU64, AtomicUsize};

/// What a function does to the number of objects. The numbers are the positions of parameters.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Effect {
    /// Nothing.
    Nothing,
    /// Makes one object.
    Makes(Kind),
    /// Makes as many objects as the parameter says, with their handles at the other parameter.
    MakesSeveral(Kind, usize, usize),
    /// Destroys the object whose handle is the parameter, unless it is null.
    Destroys(Kind, usize),
}

/// The kinds of objects that are counted. Objects that go with a pool are not.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Kind {
    Device,
    Memory,
    Buffer,
    Fence,
    Semaphore,
    QueryPool,
    PipelineCache,
    Pipeline,
    ShaderModule,
    PipelineLayout,
    DescriptorSetLayout,
    DescriptorPool,
    UpdateTemplate,
    CommandPool,
}

/// The number of kinds.
pub(crate) const KINDS: usize = Kind::CommandPool as usize + 1;

/// One entry point.
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) function: Function,
    /// The error codes that the specification allows.
    pub(crate) codes: &'static [i32],
    pub(crate) effect: Effect,
    /// The address of the other driver's function.
    pub(crate) real: AtomicUsize,
    pub(crate) calls: AtomicU64,
}

/// The type of a watched function; see the crate.
pub(crate) type Function = unsafe extern "system" fn(usize, usize, usize, usize, usize, usize, usize, usize) -> usize;

/// VK_ERROR_OUT_OF_HOST_MEMORY.
const HOST: i32 = -1;
/// VK_ERROR_OUT_OF_DEVICE_MEMORY.
const DEVICE: i32 = -2;
/// VK_ERROR_INITIALIZATION_FAILED.
const INITIALIZATION: i32 = -3;
/// VK_ERROR_DEVICE_LOST.
pub(crate) const LOST: i32 = -4;
/// VK_ERROR_MEMORY_MAP_FAILED.
const MAP: i32 = -5;
/// VK_ERROR_TOO_MANY_OBJECTS.
const TOO_MANY: i32 = -10;
/// VK_ERROR_UNKNOWN, which any function may return.
const UNKNOWN: i32 = -13;

const NONE: &[i32] = &[];
const MEMORY: &[i32] = &[HOST, DEVICE, UNKNOWN];
const OPENS: &[i32] = &[HOST, DEVICE, INITIALIZATION, TOO_MANY, LOST, UNKNOWN];
const LISTS: &[i32] = &[HOST, DEVICE, INITIALIZATION, UNKNOWN];
const MAPS: &[i32] = &[HOST, DEVICE, MAP, UNKNOWN];
const WORKS: &[i32] = &[HOST, DEVICE, LOST, UNKNOWN];

macro_rules! entries {
    ($($name:ident: $codes:ident, $effect:expr;)*) => {
        #[allow(non_camel_case_types, clippy::enum_variant_names, reason = "the names are those of Vulkan")]
        #[derive(Clone, Copy)]
        enum Index { $($name),* }

        /// The functions that the Vulkan loader and the program get in place of the other driver's.
        #[allow(non_snake_case, clippy::too_many_arguments, reason = "the names are those of Vulkan; see the crate for the words")]
        mod functions {
            use super::{Index, forward};
            $(pub(super) unsafe extern "system" fn $name(
                a: usize, b: usize, c: usize, d: usize, e: usize, f: usize, g: usize, h: usize,
            ) -> usize {
                // SAFETY: the caller passes what Vulkan asks for, and `forward` passes it on.
                unsafe { forward(Index::$name as usize, [a, b, c, d, e, f, g, h]) }
            })*
        }

        pub(crate) static ENTRIES: [Entry; [$(stringify!($name)),*].len()] = [$(Entry {
            name: stringify!($name),
            function: functions::$name,
            codes: $codes,
            effect: $effect,
            real: AtomicUsize::new(0),
            calls: AtomicU64::new(0),
        }),*];
    };
}

use Effect::{Destroys, Makes, MakesSeveral, Nothing};
use Kind::*;

entries! {
    vkEnumeratePhysicalDevices: LISTS, Nothing;
    vkEnumerateDeviceExtensionProperties: LISTS, Nothing;
    vkCreateDevice: OPENS, Makes(Device);
    vkDestroyDevice: NONE, Destroys(Device, 0);
    vkAllocateMemory: MEMORY, Makes(Memory);
    vkFreeMemory: NONE, Destroys(Memory, 1);
    vkMapMemory: MAPS, Nothing;
    vkFlushMappedMemoryRanges: MEMORY, Nothing;
    vkInvalidateMappedMemoryRanges: MEMORY, Nothing;
    vkBindBufferMemory: MEMORY, Nothing;
    vkGetMemoryHostPointerPropertiesEXT: MEMORY, Nothing;
    vkCreateBuffer: MEMORY, Makes(Buffer);
    vkDestroyBuffer: NONE, Destroys(Buffer, 1);
    vkCreateFence: MEMORY, Makes(Fence);
    vkDestroyFence: NONE, Destroys(Fence, 1);
    vkResetFences: MEMORY, Nothing;
    vkGetFenceStatus: WORKS, Nothing;
    vkWaitForFences: WORKS, Nothing;
    vkCreateSemaphore: MEMORY, Makes(Semaphore);
    vkDestroySemaphore: NONE, Destroys(Semaphore, 1);
    vkGetSemaphoreCounterValue: WORKS, Nothing;
    vkGetSemaphoreCounterValueKHR: WORKS, Nothing;
    vkWaitSemaphores: WORKS, Nothing;
    vkWaitSemaphoresKHR: WORKS, Nothing;
    vkSignalSemaphore: MEMORY, Nothing;
    vkSignalSemaphoreKHR: MEMORY, Nothing;
    vkCreateQueryPool: MEMORY, Makes(QueryPool);
    vkDestroyQueryPool: NONE, Destroys(QueryPool, 1);
    vkGetQueryPoolResults: WORKS, Nothing;
    vkCreatePipelineCache: MEMORY, Makes(PipelineCache);
    vkDestroyPipelineCache: NONE, Destroys(PipelineCache, 1);
    vkGetPipelineCacheData: MEMORY, Nothing;
    vkMergePipelineCaches: MEMORY, Nothing;
    vkCreateComputePipelines: MEMORY, MakesSeveral(Pipeline, 2, 5);
    vkDestroyPipeline: NONE, Destroys(Pipeline, 1);
    vkCreateShaderModule: MEMORY, Makes(ShaderModule);
    vkDestroyShaderModule: NONE, Destroys(ShaderModule, 1);
    vkCreatePipelineLayout: MEMORY, Makes(PipelineLayout);
    vkDestroyPipelineLayout: NONE, Destroys(PipelineLayout, 1);
    vkCreateDescriptorSetLayout: MEMORY, Makes(DescriptorSetLayout);
    vkDestroyDescriptorSetLayout: NONE, Destroys(DescriptorSetLayout, 1);
    vkCreateDescriptorPool: MEMORY, Makes(DescriptorPool);
    vkDestroyDescriptorPool: NONE, Destroys(DescriptorPool, 1);
    vkResetDescriptorPool: NONE, Nothing;
    vkAllocateDescriptorSets: MEMORY, Nothing;
    vkCreateDescriptorUpdateTemplate: MEMORY, Makes(UpdateTemplate);
    vkDestroyDescriptorUpdateTemplate: NONE, Destroys(UpdateTemplate, 1);
    vkCreateCommandPool: MEMORY, Makes(CommandPool);
    vkDestroyCommandPool: NONE, Destroys(CommandPool, 1);
    vkResetCommandPool: MEMORY, Nothing;
    vkAllocateCommandBuffers: MEMORY, Nothing;
    vkBeginCommandBuffer: MEMORY, Nothing;
    vkEndCommandBuffer: MEMORY, Nothing;
    vkResetCommandBuffer: MEMORY, Nothing;
    vkQueueSubmit: WORKS, Nothing;
    vkQueueWaitIdle: WORKS, Nothing;
    vkDeviceWaitIdle: WORKS, Nothing;
    vkGetCalibratedTimestampsEXT: MEMORY, Nothing;
    vkGetCalibratedTimestampsKHR: MEMORY, Nothing;
}

/// The entry point of that name.
pub(crate) fn find(name: &[u8]) -> Option<(usize, &'static Entry)> {
    ENTRIES.iter().enumerate().find(|(_, entry)| entry.name.as_bytes() == name)
}
