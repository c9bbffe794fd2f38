//! Names in error messages: lists of names, and the name that a misspelt one was probably meant to be.

/// The most names that a message lists.
const LISTED: usize = 12;

/// The names separated by commas. A long list is cut short.
pub(crate) fn list(names: &[&str]) -> String {
    let mut text = names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    if names.len() > LISTED {
        text.push_str(&format!(" and {} more", names.len() - LISTED));
    }
    text
}

/// The name nearest to `wanted`, if one is near enough to be a likely correction.
pub(crate) fn nearest<'a>(names: &[&'a str], wanted: &str) -> Option<&'a str> {
    // A limit on the length of names bounds the work. A longer name is not a typing error.
    let short = |text: &str| text.chars().count() <= 128;
    let limit = wanted.chars().count() / 3 + 1;
    let near = names.iter().take(4096).filter(|name| short(name) && short(wanted));
    let (distance, name) = near.map(|&name| (distance(name, wanted), name)).min_by_key(|&(distance, _)| distance)?;
    (distance <= limit).then_some(name)
}

/// The number of letters that must be added, removed or changed to turn one text into the other, ignoring case (the Levenshtein distance).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, &to) in row.iter_mut().skip(1).zip(&b) {
            let value = (diagonal + usize::from(from != to)).min(left + 1).min(*cell + 1);
            diagonal = *cell;
            *cell = value;
            left = value;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}
