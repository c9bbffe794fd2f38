//! Numbers in variables of the environment. A value that cannot be used is told in a warning, with what is allowed.

use super::log;
use crate::sys;
use std::ffi::OsString;
use std::ops::RangeInclusive;

/// The number in a variable of the environment. `None` if the variable is unset, blank, or no number. A number outside of `allowed` is
/// moved to its nearest end.
pub(crate) fn number(name: &str, allowed: RangeInclusive<u64>) -> Option<u64> {
    let (number, warning) = parse(name, sys::variable(name), allowed);
    if let Some(warning) = warning {
        log::warn_of_environment(warning);
    }
    number
}

/// See [`number`]. The text is the warning.
fn parse(name: &str, value: Option<OsString>, allowed: RangeInclusive<u64>) -> (Option<u64>, Option<String>) {
    let value = value.unwrap_or_default();
    let text = value.to_string_lossy();
    let text = text.trim();
    if text.is_empty() {
        return (None, None);
    }
    let (least, most) = (*allowed.start(), *allowed.end());
    // A number that no integer holds is one beyond the end.
    let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().unwrap_or(u64::MAX));
    match number {
        None => (None, Some(format!("{name}=\"{text}\" in the environment is ignored: it must be a number from {least} to {most}"))),
        Some(number) if allowed.contains(&number) => (Some(number), None),
        Some(number) => {
            let taken = number.clamp(least, most);
            let text = format!("{name}=\"{text}\" in the environment is out of range: {least} to {most} are allowed, and {taken} is taken");
            (Some(taken), Some(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(value: &str) -> (Option<u64>, Option<String>) {
        parse("AVX_GPU_QUEUES", Some(value.into()), 1..=4)
    }

    #[test]
    fn what_is_allowed_is_taken_in_silence() {
        for (value, number) in [("1", 1), (" 4 ", 4), ("03", 3)] {
            assert_eq!(parsed(value), (Some(number), None), "{value:?}");
        }
        assert_eq!(parsed(" "), (None, None));
        assert_eq!(parse("AVX_GPU_QUEUES", None, 1..=4), (None, None));
    }

    #[test]
    fn what_is_not_is_told() {
        for (value, number) in [("0", Some(1)), ("99", Some(4)), (&*"9".repeat(40), Some(4)), ("-1", None), ("two", None), ("2.5", None)] {
            let (taken, warning) = parsed(value);
            let warning = warning.expect(value);
            assert_eq!(taken, number, "{value}");
            assert!(warning.contains(&format!("AVX_GPU_QUEUES=\"{value}\"")) && warning.contains("1 to 4"), "{warning}");
        }
    }
}
