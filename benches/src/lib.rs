//! The code that all programs of the suite share: the options, the output lines, fair timing, kernels and random data.
//!
//! A line is `peer,bench,param,value,unit`. The value is a median. The same bench with the suffix `_min`, `_p10`, `_p90`, `_p99` or
//! `_max` is the spread. Lines that start with `#` are for people: the machine, failed checks, and what could not be measured.

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
