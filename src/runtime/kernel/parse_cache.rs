//! Parsed WGSL modules that are kept for the next kernel of the same text. The entry points of a module, and its variants by other
//! constants, share the work of parsing.

use crate::compile::{self, Parsed};
use crate::runtime::base::lock::{Lock, rank};
use std::collections::VecDeque;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

/// The most texts that are kept, and the most bytes of all of them.
const KEPT: usize = 16;
const KEPT_BYTES: usize = 1 << 20;

/// The hash of the text, and whether its kernels report.
type Key = (u128, bool);

static MODULES: Lock<VecDeque<(Key, Arc<Parsed>)>, { rank::PARSED_CACHE }> = Lock::new(VecDeque::new());

/// The parsed module of a text. It is parsed if it is not kept. As [`Parsed::new`].
pub(crate) fn parse(code: &[u8], label: &str, debug: bool) -> compile::Result<Arc<Parsed>> {
    let key = (xxh3_128(code), debug);
    let kept = || MODULES.lock();
    if let Some((_, parsed)) = kept().iter().find(|(k, _)| *k == key) {
        return Ok(parsed.clone());
    }
    let parsed = Arc::new(Parsed::new(code, label, debug)?);
    let mut kept = kept();
    kept.push_back((key, parsed.clone()));
    while kept.len() > KEPT || kept.iter().map(|(_, parsed)| parsed.size()).sum::<usize>() > KEPT_BYTES {
        kept.pop_front();
    }
    Ok(parsed)
}
