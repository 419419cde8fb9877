from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer


class OrjsonRenderer(JSONRenderer):
    pass


class StrictJSONParser(JSONParser):
    pass
