"""Rain over areas, worked out with shapely and pyproj: what nowcast's own computation is held against.

A polygon's edges are straight in longitude and latitude. They are cut into steps of a thousandth of a degree or less, projected with
pyproj, and intersected with the box of every pixel near them. On a grid of longitudes and latitudes boxes and polygons are
compared in longitude and the sine of the latitude, where equal areas are equal on the sphere.
"""
import numpy as np
import pyproj
import shapely

STEP = 1e-3


def steps(ring):
    """The ring with more positions along its edges."""
    points = [ring[0][:2]]
    for (x0, y0), (x1, y1) in zip([p[:2] for p in ring], [p[:2] for p in ring[1:]]):
        count = max(1, int(np.ceil(max(abs(x1 - x0), abs(y1 - y0)) / STEP)))
        points += [(x0 + (x1 - x0) * k / count, y0 + (y1 - y0) * k / count) for k in range(1, count + 1)]
    return np.array(points, dtype=float)


def polygons(geometry):
    if geometry["type"] == "Polygon":
        return [geometry["coordinates"]]
    if geometry["type"] == "MultiPolygon":
        return geometry["coordinates"]
    return [part for inner in geometry.get("geometries", []) for part in polygons(inner)]


def named(path, key="name"):
    """(name, geometry) of every feature with a polygon."""
    import json
    root = json.load(open(path))
    features = root["features"] if root["type"] == "FeatureCollection" else [root]
    for number, feature in enumerate(features, 1):
        geometry = feature.get("geometry")
        if geometry and polygons(geometry):
            name = feature["properties"].get(key) or feature.get("id") or f"area {number}"
            yield str(name), geometry


class Grid:
    """The boxes of a grid's pixels in the plane in which areas are compared."""

    def __init__(self, x, y, crs=None):
        """Coordinates of pixel centres, evenly spaced: metres in `crs`, or degrees without one."""
        self.crs, self.x, self.y = crs, np.asarray(x, float), np.asarray(y, float)
        edges = lambda v: np.linspace(v[0] - (v[-1] - v[0]) / (len(v) - 1) / 2, v[-1] + (v[-1] - v[0]) / (len(v) - 1) / 2, len(v) + 1)
        self.xe, self.ye = edges(self.x), edges(self.y)
        if crs is None:
            self.ye = np.sin(np.radians(self.ye))
        else:
            self.project = pyproj.Transformer.from_crs(
                crs.geodetic_crs, crs, always_xy=True).transform

    def plane(self, ring, turn=0):
        points = steps(ring)
        if self.crs is None:
            return np.column_stack([points[:, 0] + turn, np.sin(np.radians(points[:, 1]))])
        return np.column_stack(self.project(points[:, 0], points[:, 1]))

    def shares(self, geometry):
        """The area of the polygons on every pixel, [y, x], and their whole area, in units of the plane."""
        weights = np.zeros((len(self.y), len(self.x)))
        total = 0.0
        for turn in (-360, 0, 360) if self.crs is None else (0,):
            # Each polygon by itself: their areas add up, and none overlaps another.
            for rings in polygons(geometry):
                drawn = shapely.Polygon(self.plane(rings[0], turn), [self.plane(hole, turn) for hole in rings[1:]])
                if turn == 0:
                    total += drawn.area
                left, low, right, high = drawn.bounds
                shapely.prepare(drawn)
                for row in range(len(self.y)):
                    bottom, top = sorted(self.ye[row:row + 2])
                    if top < low or bottom > high:
                        continue
                    for column in range(len(self.x)):
                        west, east = sorted(self.xe[column:column + 2])
                        if east < left or west > right:
                            continue
                        box = shapely.box(west, bottom, east, top)
                        if drawn.contains(box):
                            weights[row, column] += box.area
                        elif drawn.intersects(box):
                            weights[row, column] += drawn.intersection(box).area
        return weights, total


def summary(field, weights, total):
    """Mean and largest value of what is measured, and the share of the area that is."""
    largest_box = np.median(weights[weights > 0]) if (weights > 0).any() else 1
    seen = (weights > 1e-9 * largest_box) & np.isfinite(field)
    covered = weights[seen].sum() / total
    if not seen.any():
        return None, None, 0.0
    return float((weights[seen] * field[seen]).sum() / weights[seen].sum()), float(field[seen].max()), float(min(covered, 1))
