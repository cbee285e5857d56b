"""One picture of the study: composes what the workspace says, paints it at the right size, and says what it is.

Nothing is painted that was not composed from the present state and case: a pane keeps no picture of its own beyond
the one that answers exactly them.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, QTimer
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDragEnterEvent,
    QDropEvent,
    QHideEvent,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.case.document import Case
from app.core.planes import axis_named
from app.ui.flow.workspace import Workspace
from app.ui.panes import mark_paint
from app.ui.panes.live_layers import LiveLayers
from app.ui.panes.live_overlay import LivePartner
from app.ui.panes.mouse import PaneMouse
from app.view.colours import Pixels
from app.view.compose import compose
from app.view.layouts import LAYOUTS, PaneSpec
from app.view.marks import Frame
from app.view.memo import Memo
from app.view.pane_marks import marks_of
from app.view.picture import Note, Picture
from app.view.state import ViewState
from app.view.viewport import Viewport, viewport, zoom_viewport
from app.view.windows import windowed_roles

SERIES_MIME = "application/x-synoptic-series"  # a dragged series: its uid in UTF-8
_BACKGROUND = QColor(0, 0, 0)
_BORDER, _ACTIVE_BORDER = QColor(46, 52, 58), QColor(64, 140, 190)


class ImagePane(QWidget):
    """A pane of one PaneSpec; `live`, `layers` and `memo` are shared by all panes of a window."""

    def __init__(self, workspace: Workspace, spec: PaneSpec, live: LivePartner, layers: LiveLayers, memo: Memo) -> None:
        super().__init__()
        self.spec = spec
        self.workspace = workspace
        self._live = live
        self._layers = layers
        self._memo = memo
        self._mouse = PaneMouse(self, workspace)
        self._look_again = QTimer(self)  # several changes before one paint are one reading
        self._look_again.setSingleShot(True)
        self._look_again.timeout.connect(self._mouse.probe)
        self._composed: tuple[ViewState, Case, Picture] | None = None
        self._image: tuple[Pixels, QImage] | None = None
        self.setObjectName(f"pane-{spec.name}")
        self.setAccessibleName(spec.title)
        self.setMouseTracking(True)
        self.setAcceptDrops(spec.role in ("mri", "partner"))
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(120, 120)
        workspace.changed.connect(self._on_changed)
        workspace.case_changed.connect(self._on_changed)
        workspace.slice_fused.connect(self._on_slice_fused)
        live.ready.connect(self._forget)
        layers.ready.connect(self._forget)

    def sizeHint(self) -> QSize:
        return QSize(400, 400)

    # What is shown ---------------------------------------------------------------------------------------------

    @property
    def zoomed(self) -> bool:
        return self.spec.zoomed

    def axis(self) -> int | None:
        """The index axis of the case's grid this pane cuts across; None for the state's."""
        grid = self.workspace.case.grid
        return axis_named(grid, self.spec.plane) if grid is not None and self.spec.plane else None

    def picture(self) -> Picture:
        """The picture that answers the present state and case."""
        state, case = self.workspace.state, self.workspace.case
        if self._composed is None or self._composed[0] is not state or self._composed[1] is not case:
            picture = compose(
                state, case, self.spec.role,
                axis=self.axis(), resample=self._live, layers=self._layers, memo=self._memo,
            )  # fmt: skip
            self._composed = state, case, picture
        return self._composed[2]

    def view(self) -> Viewport | None:
        """Where the picture lies in the pane; None where there is no grid."""
        return self._view_of(self.picture())

    def linked(self) -> bool:
        """Whether the pane lies on the shared grid, so that its places are points of the shared crosshair."""
        plane = self.picture().plane
        return plane is not None and plane.grid is self.workspace.case.grid

    def windowed_role(self, *, other: bool = False) -> str | None:
        """Whose window a drag changes; on a picture of both the partner's, or the other's."""
        kind = self.picture().kind
        if kind == "layer":
            return self.workspace.case.overlays[-1].uid
        return windowed_roles(kind)[other]

    def shows_fusion(self) -> bool:
        return self.picture().kind == "fusion"

    def _view_of(self, picture: Picture) -> Viewport | None:
        if picture.plane is None:
            return None
        state, width, height = self.workspace.state, float(self.width()), float(self.height())
        if self.spec.zoomed and picture.plane.grid is self.workspace.case.grid:
            return zoom_viewport(state, picture.plane, picture.index, width, height)
        linked = picture.plane.grid is self.workspace.case.grid
        return viewport(state, picture.plane, picture.index, width, height, linked=linked)

    def _on_changed(self, _: object) -> None:
        if self._composed is not None and self._composed[1] is not self.workspace.case:
            self._composed = self._image = None  # a pane out of sight must not keep a closed study in memory
        if self.isVisible():
            self.update()
            self._look_again.start()

    def _on_slice_fused(self, k: int) -> None:
        if self.spec.role == "fused" and self.isVisible() and Note.NOT_FUSED in self.picture().notes:
            self._forget()  # the slice waited for may be there now

    def _forget(self) -> None:
        self._composed = None
        self.update()

    # Painting --------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        picture = self.picture()
        state, case = self.workspace.state, self.workspace.case
        view = self._view_of(picture)
        painter = QPainter(self)
        painter.fillRect(self.rect(), _BACKGROUND)
        if picture.pixels is not None and view is not None:
            self._paint_pixels(painter, picture, view)
        frame = Frame.of_pane(float(self.width()), float(self.height()))
        measure = mark_paint.text_width
        marks = marks_of(
            state, case, self.spec.role, picture, view, frame, measure, self._memo, zoomed=self.spec.zoomed
        )
        mark_paint.paint(painter, marks)
        painter.setPen(QPen(_ACTIVE_BORDER if self._is_active(state, picture) else _BORDER, 1))
        painter.drawRect(QRectF(0.5, 0.5, frame.width - 1, frame.height - 1))
        painter.end()

    def _paint_pixels(self, painter: QPainter, picture: Picture, view: Viewport) -> None:
        pixels = picture.pixels
        assert pixels is not None  # the caller looked
        if self._image is None or self._image[0] is not pixels:
            rows, columns = pixels.shape
            image = QImage(pixels.data, columns, rows, pixels.strides[0], QImage.Format.Format_RGB32)
            self._image = pixels, image  # the image looks into the array, which therefore stays
        image = self._image[1]
        x, y, width, height = view.target()
        ratio = self.devicePixelRatioF()
        one_to_one = abs(width * ratio - image.width()) < 0.5 and abs(height * ratio - image.height()) < 0.5
        if one_to_one:  # on whole device pixels nothing needs to be interpolated
            x, y, width, height = round(x * ratio) / ratio, round(y * ratio) / ratio, image.width(), image.height()
            width, height = width / ratio, height / ratio
        smooth = self.workspace.state.smooth and not self.spec.zoomed and not one_to_one
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(QRectF(x, y, width, height), image)

    def _is_active(self, state: ViewState, picture: Picture) -> bool:
        planes = LAYOUTS[state.layout].has_planes
        return planes and picture.plane is not None and picture.plane.axis == state.axis

    # Events ----------------------------------------------------------------------------------------------------

    def ask_menu(self, at: QPointF) -> None:
        self.workspace.menu_wanted.emit(self.spec.role, self.mapToGlobal(at.toPoint()))

    def toggle_maximised(self) -> None:
        self.workspace.update(maximised="" if self.workspace.state.maximised else self.spec.name)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self._mouse.press(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._mouse.move(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._mouse.release(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self._mouse.double_click(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self._mouse.wheel(event)
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        self._mouse.leave()

    def hideEvent(self, event: QHideEvent) -> None:
        self._mouse.leave()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._look_again.start()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        if event.reason() == QContextMenuEvent.Reason.Keyboard:  # the mouse's right button may be a zoom drag
            self.ask_menu(QPointF(QPoint(self.width() // 2, self.height() // 2)))
        event.accept()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasFormat(SERIES_MIME):
            event.acceptProposedAction()
        else:
            event.ignore()  # files are the window's affair

    def dropEvent(self, event: QDropEvent) -> None:
        uid = bytes(event.mimeData().data(SERIES_MIME).data()).decode("utf-8")
        event.acceptProposedAction()
        self.workspace.role_wanted.emit(self.spec.role, uid)
