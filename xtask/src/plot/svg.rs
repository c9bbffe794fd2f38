//! A line chart as an SVG picture, which any browser shows.

use super::axis::Axis;
use std::fmt::Write;

/// A line of a chart.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// Its name in the legend.
    pub(crate) name: String,
    /// An SVG colour.
    pub(crate) colour: &'static str,
    /// Whether the line is dashed.
    pub(crate) dashed: bool,
    /// Whether the line is thick, because the chart is about it.
    pub(crate) strong: bool,
    /// Whether each point has a mark, which suits a line of few points.
    pub(crate) marks: bool,
    /// The points from left to right.
    pub(crate) points: Vec<Point>,
}

/// A point, with its spread in y.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    /// The horizontal value.
    pub(crate) x: f64,
    /// The vertical value.
    pub(crate) y: f64,
    /// The spread in y, from the low end to the high end.
    pub(crate) spread: (f64, f64),
}

/// A chart.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    /// The title, in large letters.
    pub(crate) title: String,
    /// The subtitle, in small letters.
    pub(crate) subtitle: String,
    /// The horizontal axis.
    pub(crate) x: Axis,
    /// The vertical axis.
    pub(crate) y: Axis,
    /// The lines. The last one is drawn on top.
    pub(crate) series: Vec<Series>,
}

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 540.0;
const LEFT: f64 = 84.0;
const RIGHT: f64 = 222.0;
const TOP: f64 = 76.0;
const BOTTOM: f64 = 66.0;
const INK: &str = "#1f2933";
const FAINT: &str = "#616e7c";

impl Chart {
    fn across(&self, x: f64) -> f64 {
        LEFT + self.x.at(x) * (WIDTH - LEFT - RIGHT)
    }

    fn up(&self, y: f64) -> f64 {
        let at = self.y.at(y).clamp(0.0, 1.0);
        HEIGHT - BOTTOM - at * (HEIGHT - TOP - BOTTOM)
    }

    /// The text of the SVG file.
    pub(crate) fn draw(&self) -> String {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             font-family=\"Helvetica, Arial, sans-serif\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n"
        );
        text(&mut svg, (LEFT, 34.0), "start", 20, INK, &self.title, "font-weight=\"bold\"");
        text(&mut svg, (LEFT, 56.0), "start", 13, FAINT, &self.subtitle, "");
        self.grid(&mut svg);
        self.series.iter().for_each(|series| self.band(&mut svg, series));
        self.series.iter().for_each(|series| self.line(&mut svg, series));
        self.legend(&mut svg);
        svg += "</svg>\n";
        svg
    }

    fn grid(&self, svg: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for tick in self.x.ticks() {
            let x = self.across(tick.value);
            line(svg, (x, TOP), (x, bottom), if tick.words.is_some() { "#d5dbe1" } else { "#eef1f4" }, 1.0);
            if let Some(words) = tick.words {
                text(svg, (x, bottom + 20.0), "middle", 12, INK, &words, "");
            }
        }
        for tick in self.y.ticks() {
            let y = self.up(tick.value);
            line(svg, (LEFT, y), (right, y), if tick.words.is_some() { "#d5dbe1" } else { "#eef1f4" }, 1.0);
            if let Some(words) = tick.words {
                text(svg, (LEFT - 9.0, y + 4.0), "end", 12, INK, &words, "");
            }
        }
        line(svg, (LEFT, bottom), (right, bottom), INK, 1.2);
        line(svg, (LEFT, TOP), (LEFT, bottom), INK, 1.2);
        text(svg, ((LEFT + right) / 2.0, HEIGHT - 20.0), "middle", 13, INK, &self.x.label, "");
        let middle = (TOP + bottom) / 2.0;
        text(svg, (24.0, middle), "middle", 13, INK, &self.y.label, &format!("transform=\"rotate(-90 24 {middle})\""));
    }

    /// The spread as a shaded area behind a line.
    fn band(&self, svg: &mut String, series: &Series) {
        if series.points.len() < 2 || series.points.iter().all(|p| p.spread.0 == p.spread.1) {
            return;
        }
        let upper = series.points.iter().map(|p| (p.x, p.spread.1));
        let lower = series.points.iter().rev().map(|p| (p.x, p.spread.0));
        let outline = self.places(upper.chain(lower));
        let _ = writeln!(svg, "<polygon points=\"{outline}\" fill=\"{}\" fill-opacity=\"0.12\"/>", series.colour);
    }

    fn line(&self, svg: &mut String, series: &Series) {
        let places = self.places(series.points.iter().map(|p| (p.x, p.y)));
        let dashes = if series.dashed { " stroke-dasharray=\"7 5\"" } else { "" };
        let (colour, width) = (series.colour, if series.strong { 3.0 } else { 2.0 });
        let _ = writeln!(
            svg,
            "<polyline points=\"{places}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-linejoin=\"round\" \
             stroke-linecap=\"round\"{dashes}/>"
        );
        if !series.marks {
            return;
        }
        for point in &series.points {
            let (x, y) = (self.across(point.x), self.up(point.y));
            let (fill, radius) = (if series.dashed { "#ffffff" } else { colour }, if series.strong { 4.2 } else { 3.2 });
            let _ = writeln!(
                svg,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{fill}\" stroke=\"{colour}\" stroke-width=\"1.5\"/>"
            );
        }
    }

    fn places(&self, points: impl Iterator<Item = (f64, f64)>) -> String {
        points.map(|(x, y)| format!("{:.1},{:.1}", self.across(x), self.up(y))).collect::<Vec<_>>().join(" ")
    }

    /// The legend beside the chart. Its order is the order in which the lines end at the right edge, so that each label is easy to
    /// match to its line.
    fn legend(&self, svg: &mut String) {
        let mut order: Vec<&Series> = self.series.iter().collect();
        let end = |series: &Series| series.points.last().map_or(HEIGHT, |p| self.up(p.y));
        order.sort_by(|a, b| end(a).total_cmp(&end(b)));
        let left = WIDTH - RIGHT + 18.0;
        for (i, series) in order.iter().enumerate() {
            let y = TOP + 12.0 + 24.0 * i as f64;
            let dashes = if series.dashed { " stroke-dasharray=\"7 5\"" } else { "" };
            let _ = writeln!(
                svg,
                "<line x1=\"{left}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\" stroke=\"{}\" stroke-width=\"{}\"{dashes}/>",
                left + 28.0,
                series.colour,
                if series.strong { 3.0 } else { 2.0 }
            );
            let weight = if series.strong { "font-weight=\"bold\"" } else { "" };
            text(svg, (left + 36.0, y + 4.0), "start", 13, INK, &series.name, weight);
        }
    }
}

fn line(svg: &mut String, from: (f64, f64), to: (f64, f64), colour: &str, width: f64) {
    let ((x1, y1), (x2, y2)) = (from, to);
    let _ =
        writeln!(svg, "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>");
}

fn text(svg: &mut String, at: (f64, f64), anchor: &str, size: u32, colour: &str, words: &str, more: &str) {
    let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        svg,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\" font-size=\"{size}\" fill=\"{colour}\" {more}>{words}</text>",
        at.0, at.1
    );
}

#[cfg(test)]
mod tests {
    use super::super::axis::{Numbers, Scale};
    use super::*;

    #[test]
    fn a_chart_is_well_formed() {
        let points: Vec<Point> = [(1.0, 10.0), (100.0, 20.0)].map(|(x, y)| Point { x, y, spread: (y * 0.9, y * 1.1) }).to_vec();
        let axis = |label| Axis::fitting(label, Scale::Log, Numbers::Plain, [1.0, 100.0].into_iter());
        let series = Series { name: "a < b & c".into(), colour: "#000000", dashed: true, strong: true, marks: true, points };
        let chart = Chart { title: "t".into(), subtitle: "s".into(), x: axis("x"), y: axis("y"), series: vec![series] };
        let svg = chart.draw();
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("a &lt; b &amp; c") && svg.contains("<polygon") && svg.matches("<circle").count() == 2);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
