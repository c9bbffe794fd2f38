//! Scan.
use super::diagnose::Source;
use super::error::Result;
/// Scan.
pub(crate) fn scan(_source: Source<'_>, _text: &str) -> Result<()> {
    Ok(())
}
