//! The system's clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The time since 1970 (UTC), by the system's clock.
pub fn since_1970() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default()
}

/// The milliseconds of a duration.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
