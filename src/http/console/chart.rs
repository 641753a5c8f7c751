//! Charts as inline SVG: drawn here, coloured by the style sheet, readable without colour.
//!
//! At most two series, labels on the extremes, a text summary for screen readers; the page offers
//! the same numbers as a table.

use std::fmt::Write as _;

use super::{
    markup::{Markup, escape},
    view::format,
};

/// One pair of bars.
#[derive(Clone, Debug)]
pub struct Bar {
    pub label: String,
    pub value: i64,
    /// Pale bar before it, for comparison.
    pub before: Option<i64>,
    /// Style class of the bar: `bar`, `bar2`, `warn`, `bad`.
    pub class: &'static str,
}

/// One point of a line; nothing is drawn where there is no value.
#[derive(Clone, Debug)]
pub struct Point {
    pub label: String,
    pub value: Option<i64>,
}

/// What a chart looks like.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub width: f64,
    pub height: f64,
    /// Room for the labels of the vertical axis.
    pub left: f64,
    /// Label every n-th bar.
    pub every: usize,
    /// Write the largest and the last value over their bars.
    pub extremes: bool,
}

/// A round step so that three to five lines cover `max`.
fn step(max: i64) -> i64 {
    let mut unit = 1_i64;
    loop {
        for factor in [1, 2, 5] {
            let step = unit.saturating_mul(factor);
            if step.saturating_mul(5) >= max {
                return step;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

#[expect(clippy::cast_precision_loss, reason = "pixels need no more than 52 bits")]
fn ratio(value: i64, top: i64) -> f64 {
    if top == 0 { 0.0 } else { (value.max(0) as f64 / top as f64).min(1.0) }
}

/// Bars with a grid. `label` writes the numbers of the axis.
#[must_use]
pub fn bars(bars: &[Bar], frame: Frame, title: &str, summary: &str, label: impl Fn(i64) -> String) -> Markup {
    let Frame { width, height, left, every, extremes } = frame;
    let max = bars.iter().map(|b| b.value.max(b.before.unwrap_or(0))).max().unwrap_or(0).max(1);
    let step = step(max);
    let top = step * ((max + step - 1) / step);
    let (floor, ceiling) = (height - 24.0, 18.0);
    let y = |value: i64| floor - (floor - ceiling) * ratio(value, top);
    let mut svg = opened(frame, title, summary);
    grid(&mut svg, frame, (step, top), &y, &label);
    let slot = (width - left - 4.0) / ratio_count(bars.len());
    for (index, bar) in bars.iter().enumerate() {
        let x = left + slot * ratio_count_zero(index);
        draw(&mut svg, bar, x, slot, floor, &y);
        if index % every == 0 {
            let class = if every == 1 && index % 2 == 1 { " class=\"alt\"" } else { "" };
            let _ = write!(
                svg,
                "<text{class} x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                x + slot / 2.0,
                height - 7.0,
                escape(&bar.label)
            );
        }
    }
    if extremes {
        label_extremes(&mut svg, bars, left, slot, &y, &label);
    }
    svg.push_str("</svg>");
    Markup::new(svg)
}

fn opened(Frame { width, height, .. }: Frame, title: &str, summary: &str) -> String {
    format!(
        "<svg class=\"ch\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">",
        escape(&format!("{title} {summary}"))
    )
}

fn grid(
    svg: &mut String,
    Frame { width, left, .. }: Frame,
    (step, top): (i64, i64),
    y: &impl Fn(i64) -> f64,
    label: &impl Fn(i64) -> String,
) {
    let mut line = 0;
    while line <= top {
        let at = y(line);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{left}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            width - 2.0,
            left - 6.0,
            at + 4.0,
            escape(&label(line))
        );
        line += step;
    }
}

/// A step in seconds that reads as a length of time.
fn step_of_time(max: i64) -> i64 {
    const STEPS: [i64; 16] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200];
    STEPS.into_iter().find(|step| step * 4 >= max).unwrap_or(86_400 * (max / 345_600 + 1))
}

/// A line over time; values are seconds. The largest one is labelled; where there is no value the line is broken.
#[must_use]
pub fn line(points: &[Point], frame: Frame, title: &str, summary: &str, label: impl Fn(i64) -> String) -> Markup {
    let Frame { width, height, left, every, extremes } = frame;
    let max = points.iter().filter_map(|p| p.value).max().unwrap_or(0).max(1);
    let step = step_of_time(max);
    let top = step * ((max + step - 1) / step);
    let (floor, ceiling) = (height - 24.0, 18.0);
    let y = |value: i64| floor - (floor - ceiling) * ratio(value, top);
    let slot = (width - left - 12.0) / ratio_count(points.len().saturating_sub(1));
    let x = |index: usize| left + slot * ratio_count_zero(index);
    let mut svg = opened(frame, title, summary);
    grid(&mut svg, frame, (step, top), &y, &label);
    let mut path = String::new();
    let mut drawing = false;
    for (index, point) in points.iter().enumerate() {
        if let Some(value) = point.value {
            let _ = write!(path, "{}{:.1} {:.1}", if drawing { "L" } else { "M" }, x(index), y(value));
            let alone = !drawing && points.get(index + 1).is_none_or(|next| next.value.is_none());
            if alone {
                let _ = write!(svg, "<circle class=\"bar\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"2\"/>", x(index), y(value));
            }
        }
        drawing = point.value.is_some();
        if index % every == 0 {
            let anchor = if index == 0 { "start" } else { "middle" };
            let _ = write!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
                x(index),
                height - 7.0,
                escape(&point.label)
            );
        }
    }
    let _ = write!(svg, "<path class=\"ln\" d=\"{path}\"/>");
    let largest = points.iter().enumerate().filter_map(|(at, p)| Some((p.value?, at))).max();
    if let Some((value, at)) = largest.filter(|_| extremes) {
        let anchor = if at * 2 > points.len() { "end" } else { "start" };
        let _ = write!(
            svg,
            "<circle class=\"bar\" cx=\"{0:.1}\" cy=\"{1:.1}\" r=\"3\"/><text class=\"lab\" x=\"{0:.1}\" y=\"{2:.1}\" text-anchor=\"{anchor}\">{3}</text>",
            x(at),
            y(value),
            y(value) - 7.0,
            escape(&label(value))
        );
    }
    svg.push_str("</svg>");
    Markup::new(svg)
}

#[expect(clippy::cast_precision_loss, reason = "a handful of bars")]
fn ratio_count(count: usize) -> f64 {
    count.max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "a handful of bars")]
fn ratio_count_zero(index: usize) -> f64 {
    index as f64
}

fn draw(svg: &mut String, bar: &Bar, x: f64, slot: f64, floor: f64, y: &impl Fn(i64) -> f64) {
    let mut rect = |class: &str, x: f64, width: f64, value: i64| {
        if value <= 0 {
            return;
        }
        // A bar that is not zero is never invisible.
        let height = (floor - y(value)).max(1.5);
        let at = floor - height;
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{at:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"1.5\"/>"
        );
    };
    match bar.before {
        Some(before) => {
            rect("bar2", x + slot * 0.14, slot * 0.26, before);
            rect(bar.class, x + slot * 0.42, slot * 0.42, bar.value);
        }
        None => rect(bar.class, x + slot * 0.2, slot * 0.6, bar.value),
    }
}

fn label_extremes(
    svg: &mut String,
    bars: &[Bar],
    left: f64,
    slot: f64,
    y: &impl Fn(i64) -> f64,
    label: &impl Fn(i64) -> String,
) {
    let Some(last) = bars.len().checked_sub(1) else { return };
    let largest = (0..bars.len()).max_by_key(|&index| bars[index].value).unwrap_or(last);
    let mut shown = vec![largest];
    // Two labels side by side would overlap.
    if largest.abs_diff(last) > 1 {
        shown.push(last);
    }
    for index in shown {
        let value = bars[index].value;
        if value > 0 {
            let x = left + slot * (ratio_count_zero(index) + 0.62);
            let _ = write!(
                svg,
                "<text class=\"lab\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                y(value) - 5.0,
                escape(&label(value))
            );
        }
    }
}

/// Twelve months as a small line without axes; falling ones are grey.
#[must_use]
pub fn spark(values: &[i64]) -> Markup {
    let (min, max) = (values.iter().min().copied().unwrap_or(0), values.iter().max().copied().unwrap_or(0));
    if values.len() < 2 || (min == 0 && max == 0) {
        return Markup::new("<span class=\"zero\">—</span>".to_owned());
    }
    let span = ratio_count_zero(values.len() - 1);
    let mut path = String::new();
    for (index, value) in values.iter().enumerate() {
        let x = 1.0 + 70.0 * ratio_count_zero(index) / span;
        let y = if max == min { 10.0 } else { 18.0 - 16.0 * ratio(value - min, max - min) };
        let _ = write!(path, "{}{x:.1} {y:.1}", if index == 0 { "M" } else { "L" });
    }
    let half = values.len() / 2;
    let falling = values[half..].iter().sum::<i64>() < values[..half].iter().sum::<i64>();
    let class = if falling { "spark down" } else { "spark" };
    Markup::new(format!("<svg class=\"{class}\" viewBox=\"0 0 72 20\" aria-hidden=\"true\"><path d=\"{path}\"/></svg>"))
}

/// A bar of progress from 0 to 100. `class` is `run`, `ok`, `warn` or `bad`.
#[must_use]
pub fn progress(percent: i64, class: &str, label: &str) -> Markup {
    let percent = percent.clamp(0, 100);
    Markup::new(format!(
        "<svg class=\"pg\" viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{} {}%\">\
         <rect class=\"track\" width=\"100\" height=\"6\"/>\
         <rect class=\"{class}\" width=\"{percent}\" height=\"6\"/></svg>",
        escape(label),
        format::group(percent)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        for (max, wanted) in [(1, 1), (9, 2), (10, 2), (79, 20), (4_620_000, 1_000_000), (462, 100)] {
            assert_eq!(step(max), wanted, "{max}");
        }
    }

    #[test]
    fn labels_are_escaped_and_empty_charts_stand() {
        let frame = Frame { width: 100.0, height: 80.0, left: 20.0, every: 1, extremes: true };
        let bar = Bar { label: "<x>".to_owned(), value: 3, before: None, class: "bar" };
        assert!(!bars(&[bar], frame, "\"t\"", "<s>", |v| v.to_string()).to_string().contains("<x>"));
        assert!(bars(&[], frame, "t", "s", |v| v.to_string()).to_string().ends_with("</svg>"));
        assert!(spark(&[0; 12]).to_string().contains('—'));
        assert!(spark(&[12, 11, 10, 9]).to_string().contains("down"));
    }
}
