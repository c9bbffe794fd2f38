//! What every measured program of the suite shares: the options, the lines it prints, fair timing, kernels and random data.
//!
//! A line is `peer,bench,param,value,unit`. The value is a median; the same bench with `_min`, `_p10`, `_p90`, `_p99` and `_max`
//! behind its name is the spread. Lines that start with `#` are for people: the machine, failed checks, what could not be measured.

pub mod data;
pub mod fair_timing;
pub mod kernels;
pub mod memory;
pub mod options;
pub mod out;
pub mod pairs;

pub use fair_timing::{Measure, Plan, Side, time_fairly, values};
pub use options::Options;
pub use out::Out;
