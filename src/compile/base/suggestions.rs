//! Names in messages: which there are, and which one was meant.

/// The most names that a message lists.
const LISTED: usize = 12;

/// The names in a row, cut short if they are many.
pub(crate) fn list(names: &[&str]) -> String {
    let mut text = names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    if names.len() > LISTED {
        text.push_str(&format!(" and {} more", names.len() - LISTED));
    }
    text
}

/// The name nearest to `wanted`, if one is near enough to be meant.
pub(crate) fn nearest<'a>(names: &[&'a str], wanted: &str) -> Option<&'a str> {
    // Names are compared up to a length that bounds the work; longer ones are not typing errors.
    let short = |text: &str| text.chars().count() <= 128;
    let limit = wanted.chars().count() / 3 + 1;
    let near = names.iter().take(4096).filter(|name| short(name) && short(wanted));
    let (distance, name) = near.map(|&name| (distance(name, wanted), name)).min_by_key(|&(distance, _)| distance)?;
    (distance <= limit).then_some(name)
}

/// How many letters have to be added, dropped or changed to make one text of the other, letter case aside.
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
