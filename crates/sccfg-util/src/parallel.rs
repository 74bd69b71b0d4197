//! Work for several threads.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// The results of `work` for each of `all`, in their order, by as many threads as there are processors, but at most `most`.
pub fn each_at_once<T: Sync, R: Send>(
    all: &[T],
    most: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = threads.min(most).min(all.len());
    let next = AtomicUsize::new(0);
    let some = || {
        let mut done = Vec::new();
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = all.get(nth) else {
                return done;
            };
            done.push((nth, work(one)));
        }
    };
    let mut results = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(some)).collect();
        let mut results = some();
        for other in others {
            match other.join() {
                Ok(more) => results.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    });
    results.sort_unstable_by_key(|(nth, _)| *nth);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_have_the_order_of_the_work() {
        let all: Vec<u32> = (0..1000).collect();
        let doubled = each_at_once(&all, 8, |number| number * 2);
        assert!(doubled.iter().zip(&all).all(|(two, one)| *two == one * 2));
        assert_eq!(doubled.len(), all.len());
        assert_eq!(each_at_once(&[], 8, |_: &u32| 0), [0; 0]);
    }
}
