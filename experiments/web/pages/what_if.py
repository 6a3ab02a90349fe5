"""Placeholder while another writes it."""

from fastapi import APIRouter

router = APIRouter()
