//! Where each box goes: in layers, so that every arrow leads down, with few crossings.
//!
//! A box lies one layer below the lowest box that it reads from. An arrow that passes layers gets a place
//! in each, as if it were a narrow box; so does a label. Places are ordered by the middle of their
//! neighbours in sweeps down and up, and the order with the fewest crossings is taken.

/// Room between boxes beside each other, and around everything.
const BESIDE: f64 = 22.0;
/// Room between a passing arrow and what is beside it.
const BESIDE_ARROW: f64 = 12.0;
/// Room between layers.
const BETWEEN: f64 = 42.0;
/// How high a label is.
const LABEL: f64 = 14.0;
/// How often the order is made better, and then the places.
const SWEEPS: usize = 10;
/// How many places arrows may take in all. Beyond that they are drawn straight across.
const MOST_PLACES: usize = 40_000;

/// An arrow from a box to one of a higher number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub(super) from: usize,
    pub(super) to: usize,
    /// How wide its label is; 0 without one.
    pub(super) label: f64,
}

/// Where a box is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rect {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// Where an arrow is.
#[derive(Debug, Clone)]
pub(super) struct Route {
    /// From the lower edge of one box to the upper edge of another, never up.
    pub(super) points: Vec<(f64, f64)>,
    /// The middle of its label.
    pub(super) label: (f64, f64),
}

#[derive(Debug)]
pub(super) struct Places {
    pub(super) boxes: Vec<Rect>,
    pub(super) routes: Vec<Route>,
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A box, or where an arrow passes a layer.
struct Place {
    layer: usize,
    width: f64,
    height: f64,
    is_box: bool,
    above: Vec<usize>,
    below: Vec<usize>,
    /// The middle.
    x: f64,
}

/// Finds a place for boxes of these sizes, and for the arrows between them.
pub(super) fn place(sizes: &[(f64, f64)], links: &[Link]) -> Places {
    let layers_of = layers_of(sizes.len(), links);
    let mut places: Vec<Place> = sizes
        .iter()
        .zip(&layers_of)
        .map(|(&(width, height), &layer)| Place {
            layer,
            width,
            height,
            is_box: true,
            above: Vec::new(),
            below: Vec::new(),
            x: 0.0,
        })
        .collect();
    let chains = chains(&mut places, links);
    let count = places.iter().map(|place| place.layer + 1).max().unwrap_or(0);
    let mut layers: Vec<Vec<usize>> = vec![Vec::new(); count];
    places.iter().enumerate().for_each(|(index, place)| layers[place.layer].push(index));
    order(&places, &mut layers);
    set_middles(&mut places, &layers);
    let bands = bands(&places, &layers);
    let boxes: Vec<Rect> = places[..sizes.len()]
        .iter()
        .map(|place| {
            let (top, height) = bands[place.layer];
            let y = top + (height - place.height) / 2.0;
            Rect { x: place.x - place.width / 2.0, y, width: place.width, height: place.height }
        })
        .collect();
    let route = |(link, chain): (&Link, &Vec<usize>)| {
        route(&boxes[link.from], &boxes[link.to], chain, &places, &bands)
    };
    let routes = links.iter().zip(&chains).map(route).collect();
    let right = places.iter().map(|place| place.x + place.width / 2.0).fold(0.0, f64::max);
    let bottom = bands.last().map_or(0.0, |(top, height)| top + height);
    Places { boxes, routes, width: right, height: bottom }
}

/// Says in which layer each box is. Where there are labels, every other layer is for them.
fn layers_of(count: usize, links: &[Link]) -> Vec<usize> {
    let mut above = vec![Vec::new(); count];
    let mut below = vec![Vec::new(); count];
    for link in links {
        above[link.to].push(link.from);
        below[link.from].push(link.to);
    }
    let mut layers = vec![0; count];
    for index in 0..count {
        layers[index] = above[index].iter().map(|source| layers[*source] + 1).max().unwrap_or(0);
    }
    // What reads nothing stands just above what reads it.
    for index in 0..count {
        if above[index].is_empty() {
            let nearest = below[index].iter().map(|reader| layers[*reader] - 1).min();
            layers[index] = nearest.unwrap_or(0);
        }
    }
    let step = if links.iter().any(|link| link.label > 0.0) { 2 } else { 1 };
    layers.iter().map(|layer| layer * step).collect()
}

/// Gives arrows places in the layers that they pass, and joins neighbours. Returns these places.
fn chains(places: &mut Vec<Place>, links: &[Link]) -> Vec<Vec<usize>> {
    let passed = |link: &Link| places[link.to].layer - places[link.from].layer - 1;
    let are_too_many = links.iter().map(passed).sum::<usize>() > MOST_PLACES;
    let mut chains = Vec::with_capacity(links.len());
    for link in links {
        let layers = places[link.from].layer + 1..places[link.to].layer;
        let last = layers.end.saturating_sub(1);
        let mut chain = Vec::new();
        let mut former = link.from;
        for layer in layers.filter(|layer| !are_too_many || (*layer == last && link.label > 0.0)) {
            let has_label = layer == last && link.label > 0.0;
            let (width, height) = if has_label { (link.label, LABEL) } else { (0.0, 0.0) };
            let (above, below) = (vec![former], Vec::new());
            places.push(Place { layer, width, height, is_box: false, above, below, x: 0.0 });
            former = join(places, former);
            chain.push(former);
        }
        places[former].below.push(link.to);
        places[link.to].above.push(former);
        chains.push(chain);
    }
    chains
}

/// Joins the last place to the one that it is below, and returns its number.
fn join(places: &mut [Place], above: usize) -> usize {
    let last = places.len() - 1;
    places[above].below.push(last);
    last
}

/// Orders each layer, so that few arrows cross.
fn order(places: &[Place], layers: &mut [Vec<usize>]) {
    let mut positions = vec![0.0; places.len()];
    let mut best = layers.to_vec();
    let mut fewest = usize::MAX;
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        let count = layers.len();
        for step in 0..count {
            let layer = &mut layers[if down { step } else { count - 1 - step }];
            number(layer, &mut positions);
            let middles: Vec<f64> = layer
                .iter()
                .map(|&index| {
                    let near = if down { &places[index].above } else { &places[index].below };
                    mean(near.iter().map(|near| positions[*near])).unwrap_or(positions[index])
                })
                .collect();
            let mut order: Vec<usize> = (0..layer.len()).collect();
            order.sort_by(|one, other| middles[*one].total_cmp(&middles[*other]));
            *layer = order.into_iter().map(|index| layer[index]).collect();
            number(layer, &mut positions);
        }
        let crossings = layers.iter().map(|layer| crossings(places, layer, &positions)).sum();
        if crossings < fewest {
            fewest = crossings;
            best = layers.to_vec();
        }
        if fewest == 0 {
            break;
        }
    }
    layers.clone_from_slice(&best);
}

/// Notes how far to the right each place of a layer is, between 0 and 1.
#[expect(clippy::cast_precision_loss, reason = "far fewer places than a float can count")]
fn number(layer: &[usize], positions: &mut [f64]) {
    let count = layer.len() as f64;
    for (position, place) in layer.iter().enumerate() {
        positions[*place] = (position as f64 + 0.5) / count;
    }
}

#[expect(clippy::cast_precision_loss, reason = "far fewer places than a float can count")]
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

/// Counts the crossings among the arrows that begin in a layer.
fn crossings(places: &[Place], layer: &[usize], positions: &[f64]) -> usize {
    let mut ends: Vec<f64> = Vec::new();
    for place in layer {
        let start = ends.len();
        ends.extend(places[*place].below.iter().map(|below| positions[*below]));
        ends[start..].sort_by(f64::total_cmp);
    }
    inversions(&mut ends)
}

/// Counts the pairs that stand in the wrong order, while sorting.
fn inversions(values: &mut [f64]) -> usize {
    let mut count = 0;
    let mut width = 1;
    let mut sorted = values.to_vec();
    while width < values.len() {
        for start in (0..values.len()).step_by(width * 2) {
            let middle = (start + width).min(values.len());
            let end = (start + width * 2).min(values.len());
            let (mut left, mut right) = (start, middle);
            for place in &mut sorted[start..end] {
                let takes_left = left < middle && (right == end || values[left] <= values[right]);
                if takes_left {
                    *place = values[left];
                    left += 1;
                } else {
                    *place = values[right];
                    count += middle - left;
                    right += 1;
                }
            }
        }
        values.copy_from_slice(&sorted);
        width *= 2;
    }
    count
}

/// Moves each place as near to its neighbours as the order lets it.
fn set_middles(places: &mut [Place], layers: &[Vec<usize>]) {
    for layer in layers {
        let offsets = offsets(places, layer);
        layer.iter().zip(offsets).for_each(|(place, offset)| places[*place].x = offset);
    }
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        for step in 0..layers.len() {
            let layer = &layers[if down { step } else { layers.len() - 1 - step }];
            let wanted: Vec<f64> = layer
                .iter()
                .map(|&index| {
                    let place = &places[index];
                    let last = sweep + 2 >= SWEEPS;
                    let (near, far) = if down {
                        (&place.above, &place.below)
                    } else {
                        (&place.below, &place.above)
                    };
                    let both = last || near.is_empty();
                    let near = near.iter().chain(far.iter().filter(|_| both));
                    mean(near.map(|near| places[*near].x)).unwrap_or(place.x)
                })
                .collect();
            let offsets = offsets(places, layer);
            let middles = nearest(&wanted, &offsets);
            layer.iter().zip(middles).for_each(|(place, middle)| places[*place].x = middle);
        }
    }
    let left = places.iter().map(|place| place.x - place.width / 2.0).fold(f64::INFINITY, f64::min);
    places.iter_mut().for_each(|place| place.x -= left);
}

/// Returns how far to the right each place of a layer is at least, from the first.
fn offsets(places: &[Place], layer: &[usize]) -> Vec<f64> {
    let mut offsets = Vec::with_capacity(layer.len());
    let mut at = 0.0;
    for (index, place) in layer.iter().map(|index| &places[*index]).enumerate() {
        if index > 0 {
            let former = &places[layer[index - 1]];
            let gap = if place.is_box && former.is_box { BESIDE } else { BESIDE_ARROW };
            at += f64::midpoint(former.width, place.width) + gap;
        }
        offsets.push(at);
    }
    offsets
}

/// Returns what is nearest to `wanted` among all that keep at least the `offsets` from each other:
/// neighbours that push each other go to their mean together.
fn nearest(wanted: &[f64], offsets: &[f64]) -> Vec<f64> {
    // Each group: its sum and how many are in it.
    let mut groups: Vec<(f64, f64)> = Vec::new();
    for (wanted, offset) in wanted.iter().zip(offsets) {
        let mut group = (wanted - offset, 1.0);
        while let Some(former) = groups.last().filter(|last| last.0 / last.1 >= group.0 / group.1) {
            group = (group.0 + former.0, group.1 + former.1);
            groups.pop();
        }
        groups.push(group);
    }
    let mut offsets = offsets.iter();
    let mut middles = Vec::with_capacity(wanted.len());
    for (sum, count) in groups {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let members = count as usize;
        middles.extend(offsets.by_ref().take(members).map(|offset| sum / count + offset));
    }
    middles
}

/// Says where each layer begins, and how high it is.
fn bands(places: &[Place], layers: &[Vec<usize>]) -> Vec<(f64, f64)> {
    // Layers between those of boxes take half of the room.
    let has_labels = places.iter().any(|place| !place.is_box && place.height > 0.0);
    let between = if has_labels { BETWEEN / 2.0 } else { BETWEEN };
    let mut top = 0.0;
    let band = |layer: &Vec<usize>| {
        let height = layer.iter().map(|place| places[*place].height).fold(0.0, f64::max);
        let band = (top, height);
        top += height + between;
        band
    };
    layers.iter().map(band).collect()
}

fn route(from: &Rect, to: &Rect, chain: &[usize], places: &[Place], bands: &[(f64, f64)]) -> Route {
    let start = (from.x + from.width / 2.0, from.y + from.height);
    let end = (to.x + to.width / 2.0, to.y);
    let mut points = vec![start];
    for place in chain.iter().map(|index| &places[*index]) {
        let (top, height) = bands[place.layer];
        points.push((place.x, top));
        points.push((place.x, top + height));
    }
    points.push(end);
    let label = chain.last().map(|index| &places[*index]).map(|place| {
        let (top, height) = bands[place.layer];
        (place.x, top + height / 2.0)
    });
    let middle = (f64::midpoint(start.0, end.0), f64::midpoint(start.1, end.1));
    Route { points, label: label.unwrap_or(middle) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_dag() -> impl Strategy<Value = (Vec<(f64, f64)>, Vec<Link>)> {
        let sizes = proptest::collection::vec((20.0..200.0f64, 20.0..50.0f64), 1..30);
        sizes.prop_flat_map(|sizes| {
            let count = sizes.len();
            let link = (0..count, 0..count, prop_oneof![Just(0.0), 10.0..90.0f64]);
            let links = proptest::collection::vec(link, 0..60).prop_map(|links| {
                let mut seen = std::collections::HashSet::new();
                let link = |(one, other, label): (usize, usize, f64)| {
                    let (from, to) = (one.min(other), one.max(other));
                    (from != to && seen.insert((from, to))).then_some(Link { from, to, label })
                };
                links.into_iter().filter_map(link).collect::<Vec<_>>()
            });
            (Just(sizes), links)
        })
    }

    proptest! {
        #[test]
        fn boxes_do_not_overlap_and_arrows_lead_down((sizes, links) in any_dag()) {
            let places = place(&sizes, &links);
            for (index, one) in places.boxes.iter().enumerate() {
                prop_assert!(one.x >= -0.01 && one.x + one.width <= places.width + 0.01);
                prop_assert!(one.y >= -0.01 && one.y + one.height <= places.height + 0.01);
                for other in &places.boxes[index + 1..] {
                    let apart = one.x + one.width < other.x
                        || other.x + other.width < one.x
                        || one.y + one.height < other.y
                        || other.y + other.height < one.y;
                    prop_assert!(apart, "{one:?} {other:?}");
                }
            }
            for (link, route) in links.iter().zip(&places.routes) {
                let (first, last) = (route.points[0], route.points[route.points.len() - 1]);
                prop_assert!(first.1 < last.1);
                prop_assert!(route.points.windows(2).all(|two| two[0].1 <= two[1].1 + 0.01));
                prop_assert!((first.1 - places.boxes[link.from].y - places.boxes[link.from].height).abs() < 0.01);
                prop_assert!((last.1 - places.boxes[link.to].y).abs() < 0.01);
            }
        }

        #[test]
        fn inversions_are_counted(values in proptest::collection::vec(-9i32..9, 0..40)) {
            let mut floats: Vec<f64> = values.iter().copied().map(f64::from).collect();
            let pairs = (0..values.len()).flat_map(|one| (one + 1..values.len()).map(move |other| (one, other)));
            let slow = pairs.filter(|(one, other)| values[*one] > values[*other]).count();
            prop_assert_eq!(inversions(&mut floats), slow);
        }
    }

    #[test]
    fn arrows_that_need_not_cross_do_not() {
        let link = |from, to| Link { from, to, label: 0.0 };
        // The readers stand in the other order than what they read.
        let places = place(&[(40.0, 30.0); 6], &[link(0, 5), link(1, 4), link(2, 3)]);
        let xs: Vec<f64> = places.boxes.iter().map(|rect| rect.x).collect();
        assert_eq!((xs[0], xs[1], xs[2]), (xs[5], xs[4], xs[3]));
    }
}
