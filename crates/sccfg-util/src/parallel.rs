//! Distributes work to several threads.

use std::collections::BinaryHeap;
use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::{self, Scope, ScopedJoinHandle};

/// The results of `work` for each of `all`, in their order, by as many threads as there are processors, but at most `most`.
pub fn each_at_once<T: Sync, R: Send>(
    all: &[T],
    most: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let threads = threads(most).min(all.len());
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
        let others = started(scope, 1..threads, some);
        all_results(some(), others)
    });
    results.sort_unstable_by_key(|(nth, _)| *nth);
    results.into_iter().map(|(_, result)| result).collect()
}

/// The results of `work` for all items that `produce` hands over, in any order. The work is done by as many threads as there
/// are processors, but at most `most`, the largest available item first. The calling thread runs `produce`, and then works as
/// well.
pub fn each_while_produced<T: Ord + Send, R: Send>(
    most: usize,
    produce: impl FnOnce(&dyn Fn(T)),
    work: impl Fn(&T) -> R + Sync,
) -> Vec<(T, R)> {
    struct Queue<T> {
        waiting: BinaryHeap<T>,
        is_complete: bool,
    }
    /// Completes the queue, also when `produce` panics.
    struct Complete<'a, T>(&'a Mutex<Queue<T>>, &'a Condvar);
    impl<T> Drop for Complete<'_, T> {
        fn drop(&mut self) {
            let mut queue = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            queue.is_complete = true;
            self.1.notify_all();
        }
    }
    let queue = Mutex::new(Queue {
        waiting: BinaryHeap::new(),
        is_complete: false,
    });
    let changed = Condvar::new();
    let lock = || queue.lock().unwrap_or_else(PoisonError::into_inner);
    let next = || {
        let is_idle = |queue: &mut Queue<T>| queue.waiting.is_empty() && !queue.is_complete;
        let queue = changed.wait_while(lock(), is_idle);
        queue.unwrap_or_else(PoisonError::into_inner).waiting.pop()
    };
    let some = || {
        let all = std::iter::from_fn(next);
        all.map(|one| {
            let result = work(&one);
            (one, result)
        })
        .collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let complete = Complete(&queue, &changed);
        let others = started(scope, 1..threads(most), some);
        produce(&|one| {
            lock().waiting.push(one);
            changed.notify_one();
        });
        drop(complete);
        all_results(some(), others)
    })
}

/// Starts one thread per element of `numbers`, or as many as the system can start.
fn started<'scope, R: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    numbers: Range<usize>,
    work: impl FnOnce() -> R + Copy + Send + 'scope,
) -> Vec<ScopedJoinHandle<'scope, R>> {
    let start = |_| thread::Builder::new().spawn_scoped(scope, work).ok();
    numbers.map_while(start).collect()
}

/// `own` results, and those of other threads.
fn all_results<R>(own: Vec<R>, others: Vec<ScopedJoinHandle<'_, Vec<R>>>) -> Vec<R> {
    let joined = others.into_iter().flat_map(|other| match other.join() {
        Ok(results) => results,
        Err(panic) => std::panic::resume_unwind(panic),
    });
    own.into_iter().chain(joined).collect()
}

fn threads(most: usize) -> usize {
    let processors = thread::available_parallelism();
    processors.map_or(1, NonZero::get).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_begins_before_all_is_produced() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let receiver = Mutex::new(receiver);
        let produce = |hand_over: &dyn Fn(u32)| {
            (0..100).for_each(hand_over);
            if threads(2) > 1 {
                // Another thread has begun.
                receiver.lock().unwrap().recv().unwrap();
            }
            (100..1000).for_each(hand_over);
        };
        let mut results = each_while_produced(2, produce, |number| {
            let _ = sender.clone().send(());
            number * 2
        });
        results.sort_unstable();
        let doubled = results.iter().map(|(number, two)| *two == number * 2);
        assert!(doubled.clone().all(|is_doubled| is_doubled));
        assert_eq!(doubled.count(), 1000);
        // A single thread begins with the largest item.
        let produce = |hand_over: &dyn Fn(u32)| [1, 3, 2].into_iter().for_each(hand_over);
        let results = each_while_produced(1, produce, |number| *number);
        assert_eq!(results, [(3, 3), (2, 2), (1, 1)]);
    }

    #[test]
    fn results_have_the_order_of_the_work() {
        let all: Vec<u32> = (0..1000).collect();
        let doubled = each_at_once(&all, 8, |number| number * 2);
        assert!(doubled.iter().zip(&all).all(|(two, one)| *two == one * 2));
        assert_eq!(doubled.len(), all.len());
        assert_eq!(each_at_once(&[], 8, |_: &u32| 0), [0; 0]);
    }
}
