//! avxc as people and scripts call it: the program itself, its output, its exit status.

mod check;
mod common;
mod help;
mod readme;
mod run;
mod show;
