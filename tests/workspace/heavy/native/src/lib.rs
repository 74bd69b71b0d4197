//! Calls C of the workspace.

extern "C" {
    fn twice(a: i32) -> i32;
}

pub fn doubled(a: i32) -> i32 {
    // SAFETY: takes a number and gives one.
    unsafe { twice(a) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_times_two() {
        assert_eq!(super::doubled(2), 4);
    }
}
