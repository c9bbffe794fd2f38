//! What saves the driver's compiled pipelines of a device: the thread that waits for them, a call on demand, and the end of the device.

use super::core::Device;
use crate::runtime::base::log;
use std::sync::Arc;

impl Device {
    /// Notes that a pipeline was made, and has it saved after a while. The thread that saves is inside the device as a call is, so that
    /// nothing destroys the device meanwhile.
    pub(crate) fn save_cache_later(self: &Arc<Self>) {
        if self.pipeline_cache_file.is_none() {
            return;
        }
        let device = Arc::downgrade(self);
        let started = self.cache_saver.later(move || {
            // A device that is being destroyed lets nobody in, and saves on its own.
            if let Some(device) = device.upgrade().and_then(|device| device.enter().ok()) {
                device.save_cache();
            }
        });
        if let Err(e) = started {
            // The pipelines are saved when the device is destroyed.
            self.compile.log.line(log::Level::Warn, format!("no thread to save compiled kernels: {e}"));
        }
    }

    /// Saves the pipelines that were made since the last save, if there are any.
    pub(crate) fn save_cache_now(&self) {
        if self.cache_saver.take() {
            self.save_cache();
        }
    }

    /// Ends the thread and saves. To be called when no other call is inside the device.
    pub(crate) fn save_cache_and_stop(&self) {
        self.cache_saver.stop();
        self.save_cache();
    }

    /// Writes the driver's compiled pipelines to disk, if the file there is another.
    fn save_cache(&self) {
        let Some(file) = &self.pipeline_cache_file else { return };
        let pipelines = &self.compile.pipelines;
        match pipelines.data() {
            Ok(data) => {
                if file.save(&data) && pipelines.is_refused() {
                    let text = "the driver could not use the compiled kernels of an earlier run, which are dropped";
                    self.compile.log.line(log::Level::Warn, text);
                }
            }
            Err(e) => self.compile.log.line(log::Level::Warn, format!("the driver does not give its pipeline cache: {e}")),
        }
    }
}
