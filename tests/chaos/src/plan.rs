//! Which call fails next.

use crate::entries::{ENTRIES, LOST};
use std::sync::{Mutex, PoisonError};

/// A failure that a test has asked for.
struct Plan {
    /// The place of the entry point in `ENTRIES`.
    entry: usize,
    /// Calls of the entry point that still succeed.
    left: u64,
    code: i32,
    /// Whether later calls fail too. With VK_ERROR_DEVICE_LOST these are the calls of every entry point that may tell it.
    sticky: bool,
    /// Calls that have failed.
    failed: u64,
}

static PLAN: Mutex<Option<Plan>> = Mutex::new(None);

/// Lets the call of `entry` that comes after `nth` others fail with `code`.
pub(crate) fn arm(entry: usize, nth: u64, code: i32, sticky: bool) {
    *PLAN.lock().unwrap_or_else(PoisonError::into_inner) = Some(Plan { entry, left: nth, code, sticky, failed: 0 });
}

/// Lets no further call fail. Returns the number of calls that have failed since `arm`.
pub(crate) fn disarm() -> u64 {
    PLAN.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(0, |plan| plan.failed)
}

/// The code with which this call of `entry` fails, if it does.
pub(crate) fn code_for(entry: usize) -> Option<i32> {
    let mut plan = PLAN.lock().unwrap_or_else(PoisonError::into_inner);
    let plan = plan.as_mut()?;
    let lost = plan.failed > 0 && plan.sticky && plan.code == LOST && ENTRIES[entry].codes.contains(&LOST);
    if !lost {
        if plan.entry != entry || plan.failed > 0 && !plan.sticky {
            return None;
        }
        if plan.left > 0 {
            plan.left -= 1;
            return None;
        }
    }
    plan.failed += 1;
    Some(plan.code)
}
