//! Compiled code that is kept for the next kernel of the same text.

use super::program::Compiled;
use crate::runtime::base::lock::{Lock, rank};
use std::collections::VecDeque;
use std::sync::Arc;

/// The most compiled code that is kept, whether or not a kernel uses it.
const KEPT: usize = 64;

/// The compiled code of one device, by the hash of what it was compiled from.
#[derive(Default)]
pub(crate) struct CodeCache(Lock<VecDeque<(u128, Arc<Compiled>)>, { rank::CODE_CACHE }>);

impl CodeCache {
    pub(crate) fn find(&self, key: u128) -> Option<Arc<Compiled>> {
        let kept = self.0.lock();
        kept.iter().find(|(k, _)| *k == key).map(|(_, compiled)| compiled.clone())
    }

    /// Keeps compiled code. Returns the code that it pushes out, which the GPU may still use.
    pub(crate) fn keep(&self, key: u128, compiled: &Arc<Compiled>) -> Option<Arc<Compiled>> {
        let mut kept = self.0.lock();
        kept.push_back((key, compiled.clone()));
        if kept.len() > KEPT { kept.pop_front().map(|(_, old)| old) } else { None }
    }
}
