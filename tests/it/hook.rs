//! The shell hook, run through the real shells.
