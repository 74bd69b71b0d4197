//! The integration tests: one binary, real parts. Each module is one topic.

mod support;
