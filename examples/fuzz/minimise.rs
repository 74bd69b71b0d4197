//! Minimises a flake that violates a property.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::fuzzing::flakes::Flake;

/// Removes lines, then characters, while `holds`.
pub(crate) fn minimised(flake: &Flake, holds: impl Fn(&Flake) -> bool) -> Flake {
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut small = flake.clone();
    let asked = flake.asked();
    small.files.retain(|path, _| asked.contains(path));
    for path in asked {
        if path == Path::new("flake.nix") {
            continue;
        }
        let mut without = small.clone();
        without.files.remove(&path);
        if holds(&without) {
            small = without;
        }
    }
    let paths: Vec<PathBuf> = small.files.keys().cloned().collect();
    for path in paths {
        for split in [lines, tokens, tokens, characters] {
            let mut parts = split(&small.files[&path]);
            let mut size = parts.len().div_ceil(2);
            while size > 0 {
                let mut start = 0;
                while start < parts.len() && Instant::now() < deadline {
                    let end = (start + size).min(parts.len());
                    let less: String = [&parts[..start], &parts[end..]].concat().concat();
                    let candidate = small.with([(path.clone(), less)]);
                    if holds(&candidate) {
                        small = candidate;
                        parts.drain(start..end);
                    } else {
                        start = end;
                    }
                }
                size = if size == 1 { 0 } else { size.div_ceil(2) };
            }
        }
    }
    small
}

fn lines(text: &str) -> Vec<String> {
    text.split_inclusive('\n').map(str::to_owned).collect()
}

fn tokens(text: &str) -> Vec<String> {
    let tokens = rnix::tokenize(text);
    tokens.map(|(_, token)| token.to_owned()).collect()
}

fn characters(text: &str) -> Vec<String> {
    text.chars().map(String::from).collect()
}
