//! What the driver made of a kernel: VK_KHR_pipeline_executable_properties.

use super::pipeline::Pipeline;
use crate::vulkan::error::{Error, Result};
use ash::vk;
use std::ffi::{CStr, c_char};

/// A number that the driver tells of a pipeline, by the driver's name for it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statistic {
    pub(crate) name: String,
    pub(crate) value: f64,
}

/// The pipeline's machine code.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Executable {
    /// Invocations in a subgroup.
    pub(crate) subgroup_size: u32,
    pub(crate) statistics: Vec<Statistic>,
}

impl Pipeline {
    /// What it has become; `None` if the driver does not tell.
    pub(crate) fn executable(&self) -> Result<Option<Executable>> {
        let Some(functions) = self.device().executable_properties() else { return Ok(None) };
        let info = vk::PipelineInfoKHR::default().pipeline(self.raw);
        // SAFETY: the pipeline lives, and the feature is on.
        let all = unsafe { functions.get_pipeline_executable_properties(&info) }
            .map_err(|e| Error::of("vkGetPipelineExecutablePropertiesKHR", e))?;
        let Some(first) = all.first() else { return Ok(None) };
        let info = vk::PipelineExecutableInfoKHR::default().pipeline(self.raw).executable_index(0);
        // SAFETY: as above; the pipeline was made with its statistics captured, and has an executable 0.
        let statistics = unsafe { functions.get_pipeline_executable_statistics(&info) }
            .map_err(|e| Error::of("vkGetPipelineExecutableStatisticsKHR", e))?;
        Ok(Some(Executable { subgroup_size: first.subgroup_size, statistics: statistics.iter().map(statistic).collect() }))
    }
}

fn statistic(told: &vk::PipelineExecutableStatisticKHR<'_>) -> Statistic {
    use vk::PipelineExecutableStatisticFormatKHR as Format;
    // SAFETY: the format says which member of the union is set.
    let value = unsafe {
        match told.format {
            Format::BOOL32 => f64::from(told.value.b32),
            Format::INT64 => told.value.i64 as f64,
            Format::UINT64 => told.value.u64 as f64,
            _ => told.value.f64,
        }
    };
    Statistic { name: text(&told.name), value }
}

/// The text in a fixed array, which the driver ends with NUL.
fn text(array: &[c_char]) -> String {
    let bytes: Vec<u8> = array.iter().map(|c| *c as u8).collect();
    CStr::from_bytes_until_nul(&bytes).map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
}
