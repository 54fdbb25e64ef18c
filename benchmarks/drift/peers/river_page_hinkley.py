"""Page-Hinkley of river with its defaults, one per feature: a row is in alarm where any of them sees a change."""

from river.drift import PageHinkley
from river_each import each_feature
from serving import serve

serve(each_feature(PageHinkley))
