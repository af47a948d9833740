"""A form for any settings class, and a bar for work that takes its time."""

from collections.abc import Callable
from typing import Any

from napari.utils.notifications import show_info, show_warning
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QWidget,
)

from btrackmate.core.errors import BTrackMateError
from btrackmate.core.fields import SettingField, describe_fields
from btrackmate.core.progress import Progress
from btrackmate.core.settings import Settings
from btrackmate.napari_plugin.model.fields import describe, list_groups, read_value, write_value
from btrackmate.napari_plugin.model.jobs import Job
from btrackmate.napari_plugin.view.faults import FAULTS, show_fault

#: Milliseconds between two looks at a job.
_LOOK = 60


class SettingsForm(QWidget):
    """One field for each setting of a class, under its heading; made from the class itself.

    Parameters
    ----------
    settings : type of Settings
    skip : tuple of str
        Settings that have no field.
    """

    def __init__(self, settings: type[Settings], skip: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.settings = settings
        self.inputs: dict[str, QWidget] = {}
        self._fields = {one.name: one for one in describe_fields(settings) if one.name not in skip}
        form = QFormLayout(self)
        form.setContentsMargins(2, 2, 2, 2)
        form.setFieldGrowthPolicy(QFormLayout.ExpandingFieldsGrow)
        for group, fields in list_groups(settings).items():
            shown = [one for one in fields if one.name in self._fields]
            if group and shown:
                form.addRow(QLabel(f"<b>{group.capitalize()}</b>"))
            for field in shown:
                self._add(form, field)

    def _add(self, form: QFormLayout, field: SettingField) -> None:
        widget: QWidget
        if field.kind == "bool":
            widget = QCheckBox()
            widget.setChecked(bool(field.default))
        elif field.kind == "choice":
            widget = QComboBox()
            widget.addItems([str(one) for one in field.choices])
            widget.setCurrentText(str(field.default))
        else:
            widget = QLineEdit(write_value(field, field.default))
            widget.setPlaceholderText("none" if field.optional else field.unit)
        label = QLabel(field.label)
        label.setWordWrap(True)
        for one in (widget, label):
            one.setToolTip(describe(field))
        self.inputs[field.name] = widget
        form.addRow(label, widget)

    def values(self) -> Settings:
        """Give the settings that the form shows.

        Raises
        ------
        UserError
            Names the setting that is wrong.
        """
        found = {}
        for name, widget in self.inputs.items():
            field = self._fields[name]
            if isinstance(widget, QCheckBox):
                found[name] = widget.isChecked()
            elif isinstance(widget, QComboBox):
                found[name] = field.choices[widget.currentIndex()]
            else:
                found[name] = read_value(field, widget.text())
        return self.settings.parse(found, "the form")


class WorkBar(QWidget):
    """Shows one job at a time, with a button to cancel it."""

    def __init__(self) -> None:
        super().__init__()
        self.job: Job | None = None
        self._then: Callable[[Any], None] = lambda _: None
        self.bar = QProgressBar()
        self.cancel = QPushButton("Cancel")
        self.cancel.clicked.connect(self._on_cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.bar)
        row.addWidget(self.cancel)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        self.destroyed.connect(lambda *_: self.drop())
        self.setVisible(False)

    def run(self, work: Callable[[Progress], Any], then: Callable[[Any], None]) -> None:
        """Do work in a thread, and `then` take its result in the window."""
        if self.job is not None:
            show_info("One thing after the other: the work before goes on; cancel it first")
            return
        self._then = then
        self.job = Job(work).start()
        self.bar.setRange(0, 0)
        self.bar.setFormat("working …")
        self.setVisible(True)
        self._timer.start(_LOOK)

    def _look(self) -> None:
        job = self.job
        if job is None:
            return
        if job.total:
            self.bar.setRange(0, job.total)
            self.bar.setValue(job.done)
            self.bar.setFormat(f"{job.step}: %v/%m")
        if job.is_running:
            return
        self._timer.stop()
        self.setVisible(False)
        self.job = None
        if job.error is None:
            try:
                self._then(job.result)
            except BTrackMateError as error:
                show_fault(error)
        elif job.was_cancelled:
            show_info("Cancelled")
        elif isinstance(job.error, FAULTS):
            show_fault(job.error)
        else:
            raise job.error

    def _on_cancel(self) -> None:
        if self.job is not None:
            self.job.cancel()
            self.bar.setFormat("stopping …")

    def drop(self) -> None:
        """Stop work whose result nobody would take: it is of tracks that were closed."""
        job, self.job = self.job, None
        if job is not None:
            job.cancel()
            show_warning("Work was stopped and nothing of it is kept: its tracks were closed")
