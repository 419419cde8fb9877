from rest_framework.pagination import CursorPagination


class CursorPaging(CursorPagination):
    pass
