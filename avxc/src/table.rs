//! Columns of text, and numbers with their units.

/// Formats rows as indented lines. Each column is as wide as its widest cell; the last column is not padded.
pub(crate) fn columns(indent: usize, rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = " ".repeat(indent);
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A row of cells.
pub(crate) fn row(cells: &[&str]) -> Vec<String> {
    cells.iter().map(|&cell| cell.to_owned()).collect()
}

/// A version number, encoded as Vulkan does it.
pub(crate) fn version(version: u32) -> String {
    format!("{}.{}.{}", version >> 22, version >> 12 & 0x3ff, version & 0xfff)
}

/// A number of bytes with a suitable unit.
pub(crate) fn bytes(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["bytes", "KiB", "MiB", "GiB", "TiB"] {
        if value < 1024.0 {
            let text = format!("{value:.1}");
            return format!("{} {unit}", text.strip_suffix(".0").unwrap_or(&text));
        }
        value /= 1024.0;
    }
    format!("{value:.1} PiB")
}

/// A number of nanoseconds with a suitable unit.
pub(crate) fn time(nanoseconds: u64) -> String {
    match nanoseconds {
        0..1_000 => format!("{nanoseconds} ns"),
        1_000..1_000_000 => format!("{:.2} us", nanoseconds as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.3} ms", nanoseconds as f64 / 1e6),
        _ => format!("{:.3} s", nanoseconds as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [row(&["a", "long"]), row(&["bcd", ""]), row(&["é", "x", "y"])];
        assert_eq!(columns(1, &rows), " a    long\n bcd\n é    x     y\n");
        assert_eq!(columns(0, &[]), "");
    }

    #[test]
    fn numbers_have_units() {
        assert_eq!((bytes(0), bytes(1536), bytes(48 << 10)), ("0 bytes".into(), "1.5 KiB".into(), "48 KiB".into()));
        assert_eq!((bytes(1 << 60), bytes(u64::MAX)), ("1024.0 PiB".into(), "16384.0 PiB".into()));
        assert_eq!((time(999), time(1_500), time(2_000_000)), ("999 ns".into(), "1.50 us".into(), "2.000 ms".into()));
        assert_eq!(time(3_000_000_000), "3.000 s");
        assert_eq!(version(1 << 22 | 3 << 12 | 7), "1.3.7");
    }
}
