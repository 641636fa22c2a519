use crate::recipient::fold;
use crate::selection::SelectionError;
use crate::{Area, Commune, Gazetteer, Position, Zone};

impl Zone {
    /// For each commune of the gazetteer whether it lies in the zone.
    pub(crate) fn communes(&self, gazetteer: &Gazetteer) -> Result<Vec<bool>, SelectionError> {
        let communes = gazetteer.communes().iter();
        Ok(match self {
            Zone::Communes(codes) => {
                let mut inside = vec![false; gazetteer.communes().len()];
                codes
                    .iter()
                    .filter_map(|code| gazetteer.index(*code))
                    .for_each(|place| inside[place] = true);
                inside
            }
            Zone::Arrondissement(named) => is_in(communes, named, |commune| &commune.arrondissement),
            Zone::Canton(named) => is_in(communes, named, |commune| &commune.canton),
            Zone::Epci(named) => is_in(communes, named, |commune| &commune.epci),
            Zone::Population { min, max } => communes
                .map(|commune| (*min..=*max).contains(&commune.population))
                .collect(),
            Zone::Circle { center, radius_m } => {
                if !is_sound(center) || !radius_m.is_finite() || *radius_m < 0.0 {
                    return Err(SelectionError::Shape);
                }
                communes
                    .map(|commune| commune.position.distance_m(*center) <= *radius_m)
                    .collect()
            }
            Zone::Polygon(ring) => {
                if ring.len() < 3 || !ring.iter().all(is_sound) {
                    return Err(SelectionError::Shape);
                }
                communes.map(|commune| contains(ring, commune.position)).collect()
            }
        })
    }
}

/// Areas go by their code, or by their name as people write it.
fn is_in<'a>(communes: impl Iterator<Item = &'a Commune>, named: &str, area: fn(&Commune) -> &Area) -> Vec<bool> {
    let name = fold(named);
    communes
        .map(|commune| {
            let area = area(commune);
            area.code == named || (!name.is_empty() && fold(&area.name) == name)
        })
        .collect()
}

fn is_sound(position: &Position) -> bool {
    (-90.0..=90.0).contains(&position.latitude) && (-180.0..=180.0).contains(&position.longitude)
}

/// Even-odd rule: a ray to the east crosses the ring an odd number of times. Degrees are taken as plane coordinates,
/// which a department is small enough for.
fn contains(ring: &[Position], point: Position) -> bool {
    let mut inside = false;
    let mut previous = ring[ring.len() - 1];
    for &corner in ring {
        let straddles = (corner.latitude > point.latitude) != (previous.latitude > point.latitude);
        if straddles {
            let along = (point.latitude - corner.latitude) / (previous.latitude - corner.latitude);
            if point.longitude < corner.longitude + along * (previous.longitude - corner.longitude) {
                inside = !inside;
            }
        }
        previous = corner;
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(latitude: f64, longitude: f64) -> Position {
        Position { latitude, longitude }
    }

    #[test]
    fn a_ring_holds_what_lies_within_even_where_it_is_hollow() {
        // A U open to the north.
        let ring = [
            at(0.0, 0.0),
            at(0.0, 3.0),
            at(3.0, 3.0),
            at(3.0, 2.0),
            at(1.0, 2.0),
            at(1.0, 1.0),
            at(3.0, 1.0),
            at(3.0, 0.0),
        ];
        for (point, expected) in [
            (at(0.5, 1.5), true),
            (at(2.0, 0.5), true),
            (at(2.0, 2.5), true),
            (at(2.0, 1.5), false),
            (at(4.0, 0.5), false),
            (at(0.5, -1.0), false),
        ] {
            assert_eq!(contains(&ring, point), expected, "{point:?}");
        }
    }

    #[test]
    fn zones_choose_communes_by_area_circle_and_ring() {
        let somme = Gazetteer::somme();
        let names = |zone: Zone| -> Vec<&str> {
            let inside = zone.communes(&somme).unwrap();
            somme
                .communes()
                .iter()
                .zip(inside)
                .filter(|(_, is)| *is)
                .map(|(commune, _)| commune.name.as_str())
                .collect()
        };
        let amiens = somme.find("Amiens").unwrap();
        assert_eq!(names(Zone::Communes(vec![amiens.insee])), ["Amiens"]);
        assert!(names(Zone::Arrondissement("801".into())).contains(&"Abbeville"));
        assert!(names(Zone::Epci(amiens.epci.code.clone())).contains(&"Amiens"));
        assert!(names(Zone::Canton(amiens.canton.code.clone())).contains(&"Amiens"));
        assert_eq!(
            names(Zone::Population {
                min: 100_000,
                max: u32::MAX
            }),
            ["Amiens"]
        );
        let near = names(Zone::Circle {
            center: amiens.position,
            radius_m: 8_000.0,
        });
        assert!(
            near.contains(&"Amiens") && near.len() > 5 && near.len() < 60,
            "{near:?}"
        );
        let around = |d: f64| {
            let Position { latitude, longitude } = amiens.position;
            vec![
                at(latitude - d, longitude - d),
                at(latitude - d, longitude + d),
                at(latitude + d, longitude + d),
                at(latitude + d, longitude - d),
            ]
        };
        assert!(names(Zone::Polygon(around(0.001))).contains(&"Amiens"));
        assert_eq!(names(Zone::Polygon(around(5.0))).len(), 771);
    }

    #[test]
    fn shapes_that_are_none_are_refused() {
        let somme = Gazetteer::somme();
        for zone in [
            Zone::Polygon(vec![at(0.0, 0.0), at(1.0, 1.0)]),
            Zone::Polygon(vec![at(0.0, 0.0), at(1.0, 1.0), at(f64::NAN, 0.0)]),
            Zone::Circle {
                center: at(99.0, 0.0),
                radius_m: 1.0,
            },
            Zone::Circle {
                center: at(49.0, 2.0),
                radius_m: f64::NAN,
            },
            Zone::Circle {
                center: at(49.0, 2.0),
                radius_m: -1.0,
            },
        ] {
            assert_eq!(zone.communes(&somme), Err(SelectionError::Shape), "{zone:?}");
        }
    }
}
