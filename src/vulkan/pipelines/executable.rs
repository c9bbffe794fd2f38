//! Facts about compiled pipelines, by VK_KHR_pipeline_executable_properties.

use super::pipeline::Pipeline;
use crate::vulkan::error::{Error, Result};
use ash::vk;
use std::ffi::{CStr, c_char};

/// A number that the driver reports about a pipeline, with the driver's name for it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statistic {
    pub(crate) name: String,
    pub(crate) value: f64,
}

/// Facts about the machine code of a pipeline.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Executable {
    /// The number of invocations in a subgroup.
    pub(crate) subgroup_size: u32,
    pub(crate) statistics: Vec<Statistic>,
}

impl Pipeline {
    /// The facts about the compiled pipeline; `None` if the driver does not report them.
    pub(crate) fn executable(&self) -> Result<Option<Executable>> {
        let Some(functions) = self.device().executable_properties() else { return Ok(None) };
        let info = vk::PipelineInfoKHR::default().pipeline(self.raw);
        // SAFETY: the pipeline is alive, and the feature is enabled.
        let all = unsafe { functions.get_pipeline_executable_properties(&info) }
            .map_err(|e| Error::of("vkGetPipelineExecutablePropertiesKHR", e))?;
        let Some(first) = all.first() else { return Ok(None) };
        let info = vk::PipelineExecutableInfoKHR::default().pipeline(self.raw).executable_index(0);
        // SAFETY: as above; the pipeline was created with captured statistics, and has an executable 0.
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

/// The text in a fixed array, which ends with a NUL.
fn text(array: &[c_char]) -> String {
    let bytes: Vec<u8> = array.iter().map(|c| *c as u8).collect();
    CStr::from_bytes_until_nul(&bytes).map(|text| text.to_string_lossy().into_owned()).unwrap_or_default()
}
