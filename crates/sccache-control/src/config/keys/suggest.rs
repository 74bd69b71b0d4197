//! Suggestions for misspelt names.

use super::names;

/// The known key that is most similar to `name`, if any is similar.
///
/// ```
/// # use sccache_control::config::keys;
/// assert_eq!(keys::nearest("cache.disk.sise").as_deref(), Some("cache.disk.size"));
/// assert_eq!(keys::nearest("disk.size").as_deref(), Some("cache.disk.size"));
/// assert_eq!(keys::nearest("apples.and.pears"), None);
/// ```
pub fn nearest(name: &str) -> Option<String> {
    let names = names();
    let leaf = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let own_leaf = leaf(name);
    names
        .iter()
        .find(|known| known.ends_with(&format!(".{name}")))
        .or_else(|| {
            let near = nearest_of(name, names.iter().map(String::as_str))?;
            names.iter().find(|known| *known == near)
        })
        .or_else(|| names.iter().find(|known| leaf(known) == own_leaf))
        .or_else(|| {
            names
                .iter()
                .find(|known| is_similar(&own_leaf, &leaf(known)))
        })
        .cloned()
}

/// The candidate that is most similar to `word`, if any is similar.
pub(crate) fn nearest_of<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    candidates
        .filter(|candidate| is_similar(word, candidate))
        .min_by_key(|candidate| strsim::damerau_levenshtein(word, candidate))
}

fn is_similar(word: &str, candidate: &str) -> bool {
    let allowed = (word.chars().count().max(candidate.chars().count()) / 3).clamp(1, 3);
    strsim::damerau_levenshtein(&word.to_lowercase(), &candidate.to_lowercase()) <= allowed
}
