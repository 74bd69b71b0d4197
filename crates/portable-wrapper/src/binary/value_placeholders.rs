//! Whether a file has placeholders in values of variables, and others.

use std::fs::File;
use std::io;
use std::ops::ControlFlow;

use memchr::memmem::{self, Finder};

use super::PLACEHOLDER_ROLES;
use crate::path_map::{Role, SIGN, begins_with_padding};
use crate::windows::{Part, Window};

/// The role of a [placeholder in a value](Role::placeholder_in_value) in the file, if there is one.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn value_in(file: &File) -> io::Result<Option<Role>> {
    let placeholders = PLACEHOLDER_ROLES.map(|role| (role, Finder::new(role.placeholder())));
    let margin = PLACEHOLDER_ROLES.map(|role| role.placeholder_in_value().len());
    let margin = margin.into_iter().max().unwrap_or_default();
    Part::whole(file)?.visit(margin, |Window { bytes, new, .. }| {
        let mut found = placeholders.iter().filter(|(role, finder)| {
            let in_value = role.placeholder_in_value().as_bytes();
            let mut found = finder.find_iter(bytes).filter(|at| new.contains(at));
            found.any(|at| bytes[at..].starts_with(in_value))
        });
        Ok(match found.next() {
            Some((role, _)) => ControlFlow::Break(*role),
            None => ControlFlow::Continue(()),
        })
    })
}

/// The role of the first placeholder in these parts that is not in a value.
///
/// # Errors
/// If the file cannot be read.
pub(super) fn other_than_values<'a>(
    parts: impl Iterator<Item = &'a Part<'a>>,
) -> io::Result<Option<Role>> {
    let placeholders = PLACEHOLDER_ROLES.map(|role| (role, role.placeholder()));
    for part in parts {
        let margin = placeholders[0].1.len() + SIGN;
        let other = part.visit(margin, |Window { bytes, new, .. }| {
            for (role, placeholder) in &placeholders {
                for found in memmem::find_iter(bytes, placeholder).filter(|at| new.contains(at)) {
                    let behind = &bytes[found + placeholder.len()..];
                    if !begins_with_padding(behind) {
                        return Ok(ControlFlow::Break(*role));
                    }
                }
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if other.is_some() {
            return Ok(other);
        }
    }
    Ok(None)
}
