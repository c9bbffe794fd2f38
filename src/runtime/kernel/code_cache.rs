//! Compiled code, kept for the next kernel of the same text.

use super::program::Compiled;
use crate::runtime::base::lock::{Lock, rank};
use std::collections::VecDeque;
use std::sync::Arc;

/// Compiled code that is kept, also when no kernel has it any more.
const KEPT: usize = 64;

/// Compiled code of one device, by the hash of what it was made of.
#[derive(Default)]
pub(crate) struct CodeCache(Lock<VecDeque<(u128, Arc<Compiled>)>, { rank::CODE_CACHE }>);

impl CodeCache {
    pub(crate) fn find(&self, key: u128) -> Option<Arc<Compiled>> {
        let kept = self.0.lock();
        kept.iter().find(|(k, _)| *k == key).map(|(_, compiled)| compiled.clone())
    }

    /// Keeps it; returns the one that is pushed out, which the GPU may still use.
    pub(crate) fn keep(&self, key: u128, compiled: &Arc<Compiled>) -> Option<Arc<Compiled>> {
        let mut kept = self.0.lock();
        kept.push_back((key, compiled.clone()));
        if kept.len() > KEPT { kept.pop_front().map(|(_, old)| old) } else { None }
    }
}
